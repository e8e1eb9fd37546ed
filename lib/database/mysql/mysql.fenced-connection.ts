import { errorCodeOf } from '../database.errors.js';
import { SavepointFencedConnection } from '../savepoint.fenced-connection.js';
import { markBegun, type TypeOrmRunner } from '../typeorm-runner.js';
import { clientOf, cutMysqlClient, type MysqlClient } from './mysql.client.js';
import type { MysqlServer } from './mysql.server.js';

/** Beyond its handler's time a transaction may idle this much longer before the server ends it. */
const IDLE_GRACE_MS = 5_000;

/** InnoDB rolls back the whole transaction, not just the statement, and the session goes on without one. */
const ENDING = /^ER_(LOCK_DEADLOCK|CHECKREAD|LOCK_TABLE_FULL|TRANS_CACHE_FULL)$/;

/** READ COMMITTED, whatever the session's default: a fence must see what others have committed. */
export class MysqlFencedConnection extends SavepointFencedConnection {
  private client?: MysqlClient;
  private idleLimitIsSet = false;

  constructor(
    protected pooled: TypeOrmRunner | undefined,
    private readonly timeoutMs: number,
    private readonly server: MysqlServer,
    /** Has the server end what it still does for a connection that has been cut. */
    private readonly kill: (client: MysqlClient) => void,
  ) {
    super();
  }

  protected async open(): Promise<TypeOrmRunner> {
    const runner = this.pooled!;
    await this.take(runner);
    await runner.query('SET TRANSACTION ISOLATION LEVEL READ COMMITTED');
    await runner.query('START TRANSACTION');
    markBegun(runner);
    return runner;
  }

  /** From here on the connection may only idle for as long as its handler may take. */
  protected async take(runner: TypeOrmRunner): Promise<void> {
    const client = await clientOf(runner);
    if (this.isCut) {
      client.release();
      throw new Error('the transaction was given up before there was a connection for it');
    }
    this.client = client;
    const limit = `SESSION ${this.server.idleLimit}`;
    const seconds = Math.ceil((this.timeoutMs + IDLE_GRACE_MS) / 1_000);
    await runner.query(`SET @sync_idle_limit = @@${limit.replace(' ', '.')}, ${limit} = ${seconds}`);
    this.idleLimitIsSet = true;
  }

  protected isConnectionLost(): boolean {
    return this.client?.stream?.destroyed === true;
  }

  protected endsTransaction(error: unknown): boolean {
    const code = errorCodeOf(error) ?? '';
    return ENDING.test(code) || (code === 'ER_LOCK_WAIT_TIMEOUT' && this.server.rollsBackOnTimeout);
  }

  protected isSavepointGone(error: unknown): boolean {
    return errorCodeOf(error) === 'ER_SP_DOES_NOT_EXIST';
  }

  protected async cut(reason: Error): Promise<void> {
    if (this.pooled) Object.assign(this.pooled, { isReleased: true });
    if (!this.client) return;
    cutMysqlClient(this.client, reason);
    this.kill(this.client);
  }

  protected async giveBack(): Promise<void> {
    await this.restoreIdleLimit();
    await this.pooled?.release();
  }

  protected async restoreIdleLimit(): Promise<void> {
    if (!this.idleLimitIsSet || this.isConnectionLost()) return;
    this.idleLimitIsSet = false;
    await this.run(`SET SESSION ${this.server.idleLimit} = @sync_idle_limit`).catch((error: Error) =>
      cutMysqlClient(this.client!, error),
    );
  }
}
