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
} from './process.errors.js';
import { fenceStatement, noteStatement, type RecordNote } from './record.statements.js';
import { withinTime } from './within-time.js';
import type { ClaimedRecord, RecordState } from './work.js';

/** Beyond its handler's time a transaction may idle this much longer before the server ends it. */
const IDLE_GRACE_MS = 5_000;

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
 * work; the settle comes last and is checked before the COMMIT, which is a message of its own. READ COMMITTED,
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
      const runner = this.database.host.createQueryRunner('master');
      const txToken = randomUUID();
      this.open.add(runner);
      try {
        await this.begin(runner, fence, txToken, timeoutMs);
        if (work) await bounded(runner, timeoutMs, work(runner.manager));
        const settled = settle();
        if (settled) await this.settle(runner, fence.record, txToken, settled);
        await this.answered(runner, runner.commitTransaction()).catch(unsureOfCommit);
      } catch (error) {
        const lost = isLost(runner, error);
        await this.rollBack(runner, error);
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

  /** One message for all three: a transaction costs as many round trips as statements of its own. */
  private async begin(runner: QueryRunner, fence: Fence, txToken: string, timeoutMs: number): Promise<void> {
    const statement = fenceStatement(this.database, fence.record, fence.state, txToken, this.options.leaseMs);
    const client = (await runner.connect()) as PgClient;
    // TypeORM must know of the transaction, so that one opened inside it becomes a savepoint.
    const bookkeeping = runner as QueryRunner & { isTransactionActive: boolean; transactionDepth: number };
    bookkeeping.isTransactionActive = true;
    bookkeeping.transactionDepth = 1;
    // A server that is busy with a statement does not notice that its client has gone, and keeps the row locked: so a
    // statement may last as long as its handler, unless the host has set a limit of its own.
    const query = client.query(
      `BEGIN ISOLATION LEVEL READ COMMITTED;
       SET LOCAL idle_in_transaction_session_timeout = ${timeoutMs + IDLE_GRACE_MS};
       SELECT set_config('statement_timeout', '${timeoutMs}', true) WHERE current_setting('statement_timeout') = '0';
       ${inlined(statement)}`,
    );
    const results = await this.answered(runner, query);
    if (results.at(-1)!.rowCount !== 1) throw new LeaseLostError();
  }

  private async settle(
    runner: QueryRunner,
    record: ClaimedRecord,
    txToken: string,
    { statements, ...note }: Settle,
  ): Promise<void> {
    const endedByHandler = new TransactionAbortedError({
      cause: new Error('the handler ended the transaction itself'),
    });
    if (!runner.isTransactionActive) throw endedByHandler;
    const all = [noteStatement(this.database, record, txToken, note), ...statements];
    const client = (await runner.connect()) as PgClient;
    const query = client.query(all.map(inlined).join(';'));
    const results = await this.answered(runner, query).catch((error: unknown) => {
      // 25P02: in_failed_sql_transaction
      throw errorCodeOf(error) === '25P02' ? new TransactionAbortedError({ cause: error }) : error;
    });
    // The fence has locked the row: what it wrote can only be gone together with the handler's writes.
    if ([results].flat()[0]!.rowCount !== 1) throw endedByHandler;
  }

  private async rollBack(runner: QueryRunner, cause: unknown): Promise<void> {
    if (runner.isReleased) return;
    try {
      await this.answered(runner, runner.rollbackTransaction());
    } catch {
      await destroyConnection(runner, cause instanceof Error ? cause : new Error('roll-back failed'));
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
function unsureOfCommit(error: unknown): never {
  throw isRefusal(error) ? error : new CommitUnknownError({ cause: error });
}

/** TypeORM has let the connection go: it broke, whatever the handler made of that. Not if we have cut it ourselves. */
function isLost(runner: QueryRunner, error: unknown): boolean {
  return runner.isReleased && !(error instanceof HandlerTimeoutError || error instanceof CommitUnknownError);
}
