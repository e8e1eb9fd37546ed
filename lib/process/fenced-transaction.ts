import { randomUUID } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import type { EntityManager, QueryRunner } from 'typeorm';
import { destroyConnection, errorCodeOf, isRefusal, type PgClient } from '../entities/connection.js';
import { Slots } from '../entities/slots.js';
import { inlined, type Statement } from '../entities/statement.js';
import { SyncDatabase } from '../entities/sync.database.js';
import { ResolvedSyncOptions } from '../sync.options.js';
import {
  CommitUnknownError,
  ConnectionLostError,
  HandlerTimeoutError,
  LeaseLostError,
  TransactionAbortedError,
  TransactionEndedError,
} from './process.errors.js';
import { fenceStatement, noteStatement, type RecordNote } from './record.statements.js';
import { withinTime } from './within-time.js';
import type { ClaimedRecord, RecordState } from './work.js';

/** Beyond its handler's time a transaction may idle this much longer before the server ends it. */
const IDLE_GRACE_MS = 5_000;

/** PostgreSQL's codes: the transaction has failed before; and what `noteStatement` fails with. */
const FAILED_TRANSACTION = '25P02';
const DIVISION_BY_ZERO = '22012';

/** What to write at the end of a transaction, beside the record's note. */
export interface Settle extends RecordNote {
  readonly statements: readonly Statement[];
}

export interface Fence {
  readonly record: ClaimedRecord;
  /** Saved by the fence; undefined: nothing was fetched. */
  readonly state?: RecordState;
}

/**
 * The only way in which a pass writes: fence, work, settle, COMMIT. The fence comes first and is checked before any
 * work; the settle comes last, and checks by itself that it may be committed. READ COMMITTED,
 * whatever the host's default: under a snapshot the fence could not see that it has lost.
 */
@Injectable()
export class FencedTransaction {
  private readonly slots: Slots;
  private readonly open = new Set<QueryRunner>();

  constructor(
    private readonly database: SyncDatabase,
    @Inject(ResolvedSyncOptions) private readonly options: ResolvedSyncOptions,
  ) {
    this.slots = new Slots(options.maxTransactions);
  }

  /**
   * @param work runs between fence and settle; cut off after `timeoutMs`
   * @param settle called when the work is done
   * @throws LeaseLostError if another worker has the record, and whatever the work throws: nothing is written then.
   * CommitUnknownError: everything or nothing is.
   */
  run(
    fence: Fence,
    settle: () => Settle | undefined,
    work?: (manager: EntityManager) => Promise<unknown>,
    timeoutMs = this.options.handlerTimeoutMs,
  ): Promise<void> {
    return this.slots.run(async () => {
      const runner = this.database.host.createQueryRunner('master') as Runner;
      const txToken = randomUUID();
      let xid: string | undefined;
      let committing = false;
      this.open.add(runner);
      try {
        xid = await this.begin(runner, fence, txToken, timeoutMs);
        if (work) await bounded(runner, timeoutMs, work(runner.manager));
        await runner.broadcaster.broadcast('BeforeTransactionCommit');
        const ending = this.ending(runner, fence.record, txToken, xid, settle());
        committing = true;
        await this.commit(runner, ending);
      } catch (error) {
        const lost = isLost(runner, error);
        const ended = xid !== undefined && !lost && !committing && (await this.hasEnded(runner, xid));
        await this.rollBack(runner, xid === undefined && !(error instanceof LeaseLostError));
        if (ended) throw new TransactionEndedError({ cause: error });
        throw lost ? new ConnectionLostError({ cause: error }) : error;
      } finally {
        this.open.delete(runner);
        await runner.release();
      }
    });
  }

  /** Cuts the connections of all open transactions: the host's pool would wait for them at its end. */
  async cutOff(): Promise<void> {
    const error = new Error('the application has stopped');
    await Promise.all([...this.open].map((runner) => destroyConnection(runner, error)));
  }

  /** One message for all of it: a transaction costs as many round trips and plans as it has statements. */
  private async begin(runner: Runner, fence: Fence, txToken: string, timeoutMs: number): Promise<string> {
    const statement = fenceStatement(this.database, fence.record, fence.state, txToken, this.options.leaseMs);
    const client = (await runner.connect()) as PgClient;
    // TypeORM must know of the transaction, so that one opened inside it becomes a savepoint.
    runner.isTransactionActive = true;
    runner.transactionDepth = 1;
    // A server that is busy with a statement does not notice that its client has gone, and keeps the row locked: so a
    // statement may last as long as its handler, unless the host has set a limit of its own.
    const query = client.query(
      `BEGIN ISOLATION LEVEL READ COMMITTED;
       ${inlined(statement)}
       RETURNING txid_current()::text AS xid,
         set_config('idle_in_transaction_session_timeout', '${timeoutMs + IDLE_GRACE_MS}', true),
         CASE current_setting('statement_timeout') WHEN '0' THEN set_config('statement_timeout', '${timeoutMs}', true) END`,
    );
    const fenced = (await this.answered(runner, query)).at(-1)!;
    if (fenced.rowCount !== 1) throw new LeaseLostError();
    return fenced.rows[0]!.xid as string;
  }

  /**
   * What ends the transaction, in one message. Its first statement fails unless the fence's transaction is still the
   * present one, and with it fails all that follows, the COMMIT included.
   */
  private ending(
    runner: Runner,
    record: ClaimedRecord,
    txToken: string,
    xid: string,
    settled: Settle | undefined,
  ): string {
    if (!settled) return 'COMMIT';
    if (runner.isTransactionActive && runner.transactionDepth > 1)
      throw new TransactionAbortedError({ cause: new Error('manager.transaction() was not awaited') });
    const { statements, ...note } = settled;
    const noted = noteStatement(this.database, record, txToken, xid, note);
    return [...[noted, ...statements].map(inlined), 'COMMIT'].join(';');
  }

  /** Not through TypeORM: inside what it takes for a nested transaction, it would only release a savepoint. */
  private async commit(runner: Runner, ending: string): Promise<void> {
    const client = (await runner.connect()) as PgClient;
    const answer = await this.answered(runner, client.query(ending)).catch(whyNotCommitted);
    const { command } = [answer].flat().at(-1)!;
    // The server says ROLLBACK, and no error, if a statement that nobody waited for has failed meanwhile.
    if (command !== 'COMMIT')
      throw new TransactionAbortedError({ cause: new Error(`COMMIT was a ${command}`) });
    runner.isTransactionActive = false;
    runner.transactionDepth = 0;
    await runner.broadcaster.broadcast('AfterTransactionCommit');
  }

  /** Whether the transaction that the fence began is over: the handler has ended it by hand. */
  private async hasEnded(runner: Runner, xid: string): Promise<boolean> {
    if (runner.isReleased) return false;
    const client = (await runner.connect()) as PgClient;
    const query = client.query('SELECT txid_current_if_assigned()::text AS xid');
    // In a transaction that has failed, and so is still open, this fails too.
    const answer = await this.answered(runner, query).catch(() => undefined);
    return answer !== undefined && [answer].flat()[0]!.rows[0]!.xid !== xid;
  }

  /**
   * @param poisoned the connection could not even begin: a setting that someone has left on it, say. Such a one, and
   * one with something still open on it, is not for the pool.
   */
  private async rollBack(runner: Runner, poisoned: boolean): Promise<void> {
    if (runner.isReleased) return;
    const error = new Error('the transaction could not be rolled back');
    if (poisoned || runner.transactionDepth > 1) return destroyConnection(runner, error);
    try {
      const client = (await runner.connect()) as PgClient;
      await this.answered(runner, client.query('ROLLBACK'));
      runner.isTransactionActive = false;
      runner.transactionDepth = 0;
      await runner.broadcaster.broadcast('AfterTransactionRollback');
    } catch {
      await destroyConnection(runner, error);
    }
  }

  /** A connection that has gone quiet would hold its slot and its record for as long as the network takes to notice. */
  private async answered<T>(runner: QueryRunner, answer: Promise<T>): Promise<T> {
    const timeoutMs = this.options.handlerTimeoutMs;
    let silence: Error | undefined;
    const late = () => (silence = new Error(`the database did not answer within ${timeoutMs} ms`));
    try {
      return await withinTime(timeoutMs, answer, late);
    } catch (error) {
      if (silence) await destroyConnection(runner, silence);
      throw error;
    }
  }
}

/** TypeORM's own account of the transaction: kept as if TypeORM had opened it. */
type Runner = QueryRunner & {
  isTransactionActive: boolean;
  transactionDepth: number;
  readonly broadcaster: { broadcast(event: string): Promise<void> };
};

/** A roll-back under a handler that still runs would turn its next statement into one that commits by itself. */
async function bounded(runner: QueryRunner, timeoutMs: number, work: Promise<unknown>): Promise<void> {
  try {
    await withinTime(timeoutMs, work);
  } catch (error) {
    if (error instanceof HandlerTimeoutError) await destroyConnection(runner, error);
    throw error;
  }
}

/** Once COMMIT is sent, only the database itself can say that it has not happened: a deferred constraint, say. */
function whyNotCommitted(error: unknown): never {
  const code = errorCodeOf(error);
  if (code === FAILED_TRANSACTION) throw new TransactionAbortedError({ cause: error });
  if (code === DIVISION_BY_ZERO) throw new TransactionEndedError({ cause: error });
  throw isRefusal(error) ? error : new CommitUnknownError({ cause: error });
}

/** TypeORM has let the connection go: it broke, whatever the handler made of that. Not if we have cut it ourselves. */
function isLost(runner: Runner, error: unknown): boolean {
  return runner.isReleased && !(error instanceof HandlerTimeoutError || error instanceof CommitUnknownError);
}
