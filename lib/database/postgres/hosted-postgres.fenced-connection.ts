import type { HostedTransaction } from '../hosted-transaction.js';
import type { Statement } from '../statement.js';
import { COMMIT, PostgresFencedConnection } from './postgres.fenced-connection.js';
import type { PreparedStatements } from './prepared-statements.js';

/** In a transaction that the host opens and ends: fence and settle are its first and last statements. */
export class HostedPostgresFencedConnection extends PostgresFencedConnection {
  private isEnding = false;

  constructor(
    private readonly hosted: HostedTransaction,
    timeoutMs: number,
    prepared: PreparedStatements,
  ) {
    super(undefined, timeoutMs, prepared);
  }

  /** At the end the host's function lets it go, whatever comes of it. */
  override get isLost(): boolean {
    return !this.isEnding && super.isLost;
  }

  override async begin(fences: readonly Statement[], rows: number): Promise<boolean> {
    this.pooled = await this.hosted.begin();
    return this.fence([], fences, rows);
  }

  override within<T>(work: () => T): T {
    return this.hosted.within(work);
  }

  override async commit(statements: readonly Statement[]): Promise<void> {
    this.assertNoOpenPart();
    await this.hosted.commit(this.runner, {
      settle: async () => {
        if (statements.length > 0) await this.settle(statements);
        this.isEnding = true;
      },
      sendCommit: () => this.settle([], COMMIT),
      cut: (reason) => this.destroy(reason),
    });
  }

  override async destroy(reason: Error): Promise<void> {
    await super.destroy(reason);
    this.hosted.abandon(reason);
  }

  /** The host's function gives it back. */
  override async release(): Promise<void> {}

  protected override isEnd(statement: unknown): boolean {
    return statement === 'ROLLBACK';
  }

  protected override async rollBackOpen(): Promise<void> {
    await this.hosted.rollBack();
  }
}
