import type { HostedTransaction } from '../hosted-transaction.js';
import type { TypeOrmRunner } from '../typeorm-runner.js';
import type { MysqlClient } from './mysql.client.js';
import { MysqlFencedConnection } from './mysql.fenced-connection.js';
import type { MysqlServer } from './mysql.server.js';

/** In a transaction that the host opens and ends: fence and settle are its first and last statements. */
export class HostedMysqlFencedConnection extends MysqlFencedConnection {
  constructor(
    private readonly hosted: HostedTransaction,
    timeoutMs: number,
    server: MysqlServer,
    kill: (client: MysqlClient) => void,
  ) {
    super(undefined, timeoutMs, server, kill);
  }

  override within<T>(work: () => T): T {
    return this.hosted.within(work);
  }

  protected override async open(): Promise<TypeOrmRunner> {
    this.pooled = await this.hosted.begin();
    await this.take(this.pooled);
    return this.pooled;
  }

  /** TypeORM does, at its COMMIT. */
  protected override async announceCommit(): Promise<void> {}

  protected override async commitOpen(settle: () => Promise<void>): Promise<void> {
    await this.hosted.commit(this.runner, {
      settle: async () => {
        await settle();
        await this.restoreIdleLimit();
        await this.setSavepoint();
        this.letThrough();
      },
      sendCommit: async (send) => {
        await this.releaseSavepoint();
        return send();
      },
      cut: (reason) => this.destroy(reason),
    });
  }

  protected override async rollBackOpen(): Promise<void> {
    await this.restoreIdleLimit();
    await this.hosted.rollBack();
  }

  protected override isEnd(statement: unknown): boolean {
    return statement === 'ROLLBACK';
  }

  protected override async cut(reason: Error): Promise<void> {
    await super.cut(reason);
    this.hosted.abandon(reason);
  }

  /** The host's function does. */
  protected override async giveBack(): Promise<void> {}
}
