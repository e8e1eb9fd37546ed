import { randomUUID } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { isRefusal } from '../database/database.errors.js';
import { TransactionOverError, type FencedConnection } from '../database/fenced-connection.js';
import { Slots } from '../database/slots.js';
import type { Statement } from '../database/statement.js';
import { SyncDatabase } from '../database/sync.database.js';
import { withinLimit } from '../database/time-limit.js';
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
 * work; the settle comes last, and is only committed if the fence still stands.
 */
@Injectable()
export class FencedTransaction {
  private readonly handlerSlots: Slots;
  /** One more: what only settles a pass waits for no handler. */
  private readonly slots: Slots;
  private readonly connections = new Set<FencedConnection>();

  constructor(
    private readonly database: SyncDatabase,
    @Inject(ResolvedSyncOptions) private readonly options: ResolvedSyncOptions,
  ) {
    const most = Math.min(options.maxTransactions, database.mostTransactions);
    this.handlerSlots = new Slots(most);
    this.slots = new Slots(most + 1);
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
    const begin = () => this.slots.run(() => this.open(fence, settle, work, timeoutMs));
    return work ? this.handlerSlots.run(begin) : begin();
  }

  /** Cuts the connections of all open transactions: the host's pool would wait for them at its end. */
  async cutOff(): Promise<void> {
    const reason = new Error('the application has stopped');
    await Promise.all([...this.connections].map((connection) => connection.destroy(reason)));
  }

  private async open(
    fence: Fence,
    settle: () => Settle | undefined,
    work: ((manager: EntityManager) => Promise<unknown>) | undefined,
    timeoutMs: number,
  ): Promise<void> {
    const connection = this.database.fencedConnection(timeoutMs, work && this.options.transaction);
    this.connections.add(connection);
    try {
      await this.runOn(connection, fence, settle, work, timeoutMs);
    } finally {
      this.connections.delete(connection);
      await connection.release();
    }
  }

  private async runOn(
    connection: FencedConnection,
    { record, state }: Fence,
    settle: () => Settle | undefined,
    work: ((manager: EntityManager) => Promise<unknown>) | undefined,
    timeoutMs: number,
  ): Promise<void> {
    const txToken = randomUUID();
    const fence = fenceStatement(this.database, record, state, txToken, this.options.leaseMs);
    let stage: 'begin' | 'work' | 'commit' = 'begin';
    try {
      if (!(await this.answered(connection, connection.begin(fence)))) throw new LeaseLostError();
      stage = 'work';
      if (work)
        await bounded(
          connection,
          timeoutMs,
          connection.within(() => work(connection.manager)),
        );
      const statements = this.settleStatements(record, txToken, settle());
      stage = 'commit';
      await this.answered(connection, connection.commit(statements)).catch(whyNotCommitted);
    } catch (error) {
      const ended = stage === 'work' && (await this.answered(connection, connection.hasEnded()));
      // What asking for its end has shown included.
      const lost = isLost(connection, error);
      // One that could not even begin is poisoned, by a setting that someone has left on it say: not for the pool.
      if (stage === 'begin' && !(error instanceof LeaseLostError)) await connection.destroy(error as Error);
      else await this.answered(connection, connection.rollBack());
      if (ended) throw new TransactionEndedError({ cause: error });
      throw lost ? new ConnectionLostError({ cause: error }) : error;
    }
  }

  private settleStatements(
    record: ClaimedRecord,
    txToken: string,
    settled: Settle | undefined,
  ): readonly Statement[] {
    if (!settled) return [];
    const { statements, ...note } = settled;
    return [noteStatement(this.database, record, txToken, note), ...statements];
  }

  /** A connection that has gone quiet would hold its slot and its record for as long as the network takes to notice. */
  private answered<T>(connection: FencedConnection, answer: Promise<T>): Promise<T> {
    return withinLimit(this.options.handlerTimeoutMs, answer, (silence) => connection.destroy(silence));
  }
}

/** A roll-back under a handler that still runs would turn its next statement into one that commits by itself. */
async function bounded(
  connection: FencedConnection,
  timeoutMs: number,
  work: Promise<unknown>,
): Promise<void> {
  try {
    await withinTime(timeoutMs, work);
  } catch (error) {
    if (error instanceof HandlerTimeoutError) await connection.destroy(error);
    throw error;
  }
}

/** Once COMMIT is sent, only the database itself can say that it has not happened: a deferred constraint, say. */
function whyNotCommitted(error: unknown): never {
  if (error instanceof TransactionOverError)
    throw error.by === 'hand'
      ? new TransactionEndedError({ cause: error })
      : new TransactionAbortedError({ cause: error });
  throw isRefusal(error) ? error : new CommitUnknownError({ cause: error });
}

/** The connection broke, whatever the handler made of that. Not if we have cut it ourselves. */
function isLost(connection: FencedConnection, error: unknown): boolean {
  return connection.isLost && !(error instanceof HandlerTimeoutError || error instanceof CommitUnknownError);
}
