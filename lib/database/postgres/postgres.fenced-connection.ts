import type { EntityManager } from 'typeorm';
import { errorCodeOf } from '../database.errors.js';
import { TransactionOverError, type FencedConnection } from '../fenced-connection.js';
import type { Statement } from '../statement.js';
import { hasOpenPart, markBegun, markEnded, type TypeOrmRunner } from '../typeorm-runner.js';
import { destroyPgConnection, sendAll, type PgClient } from './postgres.client.js';
import type { PgResult } from './postgres.protocol.js';
import type { PreparedStatements } from './prepared-statements.js';

/** Beyond its handler's time a transaction may idle this much longer before the server ends it. */
const IDLE_GRACE_MS = 5_000;

/** The transaction has failed before; and what the guard of a commit fails with. */
const FAILED_TRANSACTION = '25P02';
const DIVISION_BY_ZERO = '22012';

/** Nothing is prepared under this name. */
const NOT_PREPARED = '26000';

const BEGIN = constant('BEGIN ISOLATION LEVEL READ COMMITTED');
export const COMMIT = constant('COMMIT');
const ROLLBACK = constant('ROLLBACK');

/**
 * Sends what belongs together as one message: a transaction costs as many round trips as its handler makes, and two.
 * READ COMMITTED, whatever the host's default: under a snapshot the fence could not see that it has lost.
 */
export class PostgresFencedConnection implements FencedConnection {
  /** Of the transaction that the fence is in. */
  protected xid?: string;

  constructor(
    protected pooled: TypeOrmRunner | undefined,
    private readonly timeoutMs: number,
    private readonly prepared: PreparedStatements,
  ) {}

  protected get runner(): TypeOrmRunner {
    if (!this.pooled) throw new Error('there is no transaction yet');
    return this.pooled;
  }

  get manager(): EntityManager {
    return this.runner.manager;
  }

  get isLost(): boolean {
    return this.pooled?.isReleased ?? false;
  }

  begin(fences: readonly Statement[], rows: number): Promise<boolean> {
    markBegun(this.runner);
    return this.fence([BEGIN], fences, rows);
  }

  within<T>(work: () => T): T {
    return work();
  }

  async commit(statements: readonly Statement[]): Promise<void> {
    this.assertNoOpenPart();
    await this.runner.broadcaster.broadcast('BeforeTransactionCommit');
    const results = await this.settle(statements, COMMIT);
    // The server says ROLLBACK, and no error, if a statement that nobody waited for has failed meanwhile.
    if (results.at(-1)!.command !== 'COMMIT') throw new TransactionOverError('error');
    // Not through TypeORM: inside what it takes for a nested transaction, it would only release a savepoint.
    await markEnded(this.runner, 'AfterTransactionCommit');
  }

  async hasEnded(): Promise<boolean> {
    if (this.runner.isReleased || this.xid === undefined) return false;
    // In a transaction that has failed, and so is still open, this fails too.
    const asked = constant('SELECT txid_current_if_assigned()::text');
    const answer = await this.send([asked]).catch(() => undefined);
    return answer !== undefined && answer[0]!.rows[0]![0] !== this.xid;
  }

  async rollBack(): Promise<void> {
    if (this.runner.isReleased) return;
    const reason = new Error('the transaction could not be rolled back');
    // With a part still open, someone is at work on this connection.
    if (hasOpenPart(this.runner)) return this.destroy(reason);
    // What the work has left running would be committed by itself behind the ROLLBACK.
    const query = this.runner.query.bind(this.runner) as (sql: string) => Promise<any>;
    this.runner.query = (sql: string) =>
      this.isEnd(sql) ? query(sql) : Promise.reject(new TransactionOverError('hand'));
    try {
      await this.rollBackOpen();
    } catch {
      await this.destroy(reason);
    }
  }

  async destroy(reason: Error): Promise<void> {
    if (this.pooled) await destroyPgConnection(this.pooled, reason);
  }

  async release(): Promise<void> {
    await this.pooled?.release();
  }

  /** @param opening what comes before the fences */
  protected async fence(
    opening: readonly Statement[],
    fences: readonly Statement[],
    rows: number,
  ): Promise<boolean> {
    const { timeoutMs } = this;
    // A server that is busy with a statement does not notice that its client has gone, and keeps the row locked: so a
    // statement may last as long as its handler, unless the host has set a limit of its own.
    const limits: Statement = {
      sql: `SELECT txid_current()::text, set_config('idle_in_transaction_session_timeout', $1, true),
        CASE current_setting('statement_timeout') WHEN '0' THEN set_config('statement_timeout', $2, true) END`,
      params: [String(timeoutMs + IDLE_GRACE_MS), String(timeoutMs)],
      recurs: true,
    };
    const results = await this.send([...opening, ...fences, limits]);
    this.xid = results.at(-1)!.rows[0]![0]!;
    const fenced = results.slice(opening.length, -1);
    return fenced.reduce((found, { rowCount }) => found + rowCount, 0) === rows;
  }

  /**
   * Fails, with a division by zero, unless this is the fences' own transaction; and with it fails all that follows in the
   * message.
   * @param closing what comes after the statements
   */
  protected settle(statements: readonly Statement[], ...closing: readonly Statement[]): Promise<PgResult[]> {
    const guard: Statement = {
      sql: 'SELECT 1 / count(*) FROM (SELECT 1) AS one WHERE txid_current_if_assigned()::text = $1',
      params: [this.xid],
      recurs: true,
    };
    return this.send([guard, ...statements, ...closing]).catch(whyOver);
  }

  protected assertNoOpenPart(): void {
    if (hasOpenPart(this.runner)) throw new TransactionOverError('open');
  }

  /** Whether the statement is the end of the transaction as this connection has asked for it. */
  protected isEnd(_statement: unknown): boolean {
    return false;
  }

  protected async rollBackOpen(): Promise<void> {
    await this.send([ROLLBACK]);
    await markEnded(this.runner, 'AfterTransactionRollback');
  }

  private async send(statements: readonly Statement[]): Promise<PgResult[]> {
    const client = (await this.runner.connect()) as PgClient;
    try {
      return await sendAll(client, statements, this.prepared);
    } catch (error) {
      if (errorCodeOf(error) === NOT_PREPARED) this.prepared.giveUp();
      throw error;
    }
  }
}

function constant(sql: string): Statement {
  return { sql, params: [], recurs: true };
}

function whyOver(error: unknown): never {
  const code = errorCodeOf(error);
  if (code === FAILED_TRANSACTION) throw new TransactionOverError('error', { cause: error });
  if (code === DIVISION_BY_ZERO) throw new TransactionOverError('hand', { cause: error });
  throw error;
}
