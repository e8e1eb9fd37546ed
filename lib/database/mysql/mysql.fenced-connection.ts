import type { DataSource } from 'typeorm';
import { errorCodeOf } from '../database.errors.js';
import { SavepointFencedConnection } from '../savepoint.fenced-connection.js';
import type { TypeOrmRunner } from '../typeorm-runner.js';
import { clientOf, destroyMysqlConnection, type MysqlClient } from './mysql.client.js';

/** Beyond its handler's time a transaction may idle this much longer before the server ends it. */
const IDLE_GRACE_MS = 5_000;

/** InnoDB rolls back the whole transaction, not just the statement, and the session goes on without one. */
const ENDING = /^ER_(LOCK_DEADLOCK|CHECKREAD|LOCK_TABLE_FULL|TRANS_CACHE_FULL)$/;

/** A variable of the session by which the server ends what idles: MariaDB has one for transactions alone. */
export type IdleLimit = 'idle_transaction_timeout' | 'wait_timeout';

/** READ COMMITTED, whatever the session's default: a fence must see what others have committed. */
export class MysqlFencedConnection extends SavepointFencedConnection {
  private client?: MysqlClient;
  private idleLimitBefore?: unknown;

  constructor(
    runner: TypeOrmRunner,
    private readonly timeoutMs: number,
    private readonly idleLimit: IdleLimit,
    /** Through which a busy connection can be ended. */
    private readonly other: DataSource | undefined,
  ) {
    super(runner);
  }

  protected async open(): Promise<void> {
    this.client = await clientOf(this.runner);
    const [row] = (await this.runner.query(`SELECT @@SESSION.${this.idleLimit} AS idle`)) as {
      idle: unknown;
    }[];
    const seconds = Math.ceil((this.timeoutMs + IDLE_GRACE_MS) / 1_000);
    await this.run(`SET SESSION ${this.idleLimit} = ${seconds}`);
    this.idleLimitBefore = row!.idle;
    await this.run('SET TRANSACTION ISOLATION LEVEL READ COMMITTED');
    await this.run('START TRANSACTION');
  }

  protected isConnectionLost(): boolean {
    return this.client?.stream?.destroyed === true;
  }

  protected endsTransaction(error: unknown): boolean {
    return ENDING.test(errorCodeOf(error) ?? '');
  }

  protected async cut(): Promise<void> {
    if (this.client) destroyMysqlConnection(this.client, this.other);
    // So that nothing more is sent on it; the pool has taken note.
    (this.runner as { isReleased: boolean }).isReleased = true;
  }

  protected async giveBack(): Promise<void> {
    if (this.client && !this.isConnectionLost() && this.idleLimitBefore !== undefined)
      await this.run(`SET SESSION ${this.idleLimit} = ${Number(this.idleLimitBefore)}`).catch(() =>
        this.client?.destroy(),
      );
    await this.runner.release();
  }
}
