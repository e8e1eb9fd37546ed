import { SavepointFencedConnection } from '../savepoint.fenced-connection.js';
import { markBegun, type TypeOrmRunner } from '../typeorm-runner.js';
import { whileBusy } from './busy.js';
import { ownRunner, type SqliteHandle } from './sqlite.runner.js';
import type { WriteTurn } from './write-turn.js';

/** Has the whole database, for as long as it is open. */
export class SqliteFencedConnection extends SavepointFencedConnection {
  private turn?: WriteTurn;
  private handle?: SqliteHandle;

  constructor(
    private readonly timeoutMs: number,
    private readonly takeTurn: () => Promise<WriteTurn>,
  ) {
    super();
  }

  protected async open(): Promise<TypeOrmRunner> {
    const turn = await this.takeTurn();
    if (this.isCut) {
      turn.end();
      throw new Error('the transaction was given up before its turn came');
    }
    this.turn = turn;
    const runner = ownRunner(turn.source);
    this.handle = (await runner.connect()) as SqliteHandle;
    await whileBusy(this.timeoutMs, () => runner.query('BEGIN IMMEDIATE'));
    markBegun(runner);
    return runner;
  }

  protected isConnectionLost(): boolean {
    return this.handle?.open === false;
  }

  /** A full disk, say, ends the transaction; most errors only the statement. */
  protected endsTransaction(): boolean {
    return this.hasNoTransaction();
  }

  protected override hasNoTransaction(): boolean {
    return this.handle?.inTransaction === false;
  }

  protected isSavepointGone(error: unknown): boolean {
    return /no such savepoint/.test((error as Error).message);
  }

  /** Closing it rolls back what is open, and leaves whoever still holds it with nothing. */
  protected async cut(): Promise<void> {
    this.disown();
    await this.turn?.cut();
  }

  protected async giveBack(): Promise<void> {
    this.disown();
    this.turn?.end();
  }

  /** The connection goes on to the next, but whoever still has the runner must not. */
  private disown(): void {
    if (this.runner) Object.assign(this.runner, { isReleased: true });
  }
}
