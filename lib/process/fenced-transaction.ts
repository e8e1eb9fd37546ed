import { randomUUID } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { isRefusal } from '../database/database.errors.js';
import { TransactionOverError, type FencedConnection } from '../database/fenced-connection.js';
import { Slots } from '../database/slots.js';
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
import { fenceStatements } from './record.statements.js';
import { settleStatements, type Settlement } from './settlement.js';
import { withinTime } from './within-time.js';
import type { RecordState, Work } from './work.js';

/** What one pass does in a transaction. */
export interface Turn {
  readonly work: Work;
  /** Saved by the fence; undefined: nothing was fetched. */
  readonly state?: RecordState;
  /** Runs between fence and settle; cut off after `timeoutMs`. */
  readonly call?: (manager: EntityManager) => Promise<unknown>;
  /** @default `handlerTimeoutMs` of the module */
  readonly timeoutMs?: number;
  /** Asked when all calls are done: what to write at the end; undefined: nothing. */
  readonly settle: () => Settlement | undefined;
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
   * One transaction for the turns of different records, whose calls are made one after the other: all of it or nothing.
   * @throws LeaseLostError if another worker has one of the records, before anything is called; and whatever a call throws.
   * Nothing is written then. CommitUnknownError: everything or nothing is.
   */
  run(turns: readonly Turn[]): Promise<void> {
    const begin = () => this.slots.run(() => this.open(turns));
    return turns.some(({ call }) => call) ? this.handlerSlots.run(begin) : begin();
  }

  /** Cuts the connections of all open transactions: the host's pool would wait for them at its end. */
  async cutOff(): Promise<void> {
    const reason = new Error('the application has stopped');
    await Promise.all([...this.connections].map((connection) => connection.destroy(reason)));
  }

  private async open(turns: readonly Turn[]): Promise<void> {
    const timeoutMs = Math.max(...turns.map((turn) => this.timeoutMsOf(turn)));
    const calls = turns.some(({ call }) => call);
    const connection = this.database.fencedConnection(
      timeoutMs,
      calls ? this.options.transaction : undefined,
    );
    this.connections.add(connection);
    try {
      await this.runOn(connection, turns);
    } finally {
      this.connections.delete(connection);
      await connection.release();
    }
  }

  private async runOn(connection: FencedConnection, turns: readonly Turn[]): Promise<void> {
    const txToken = randomUUID();
    const held = turns.map(({ work: { record }, state }) => ({ record, state }));
    const fences = fenceStatements(this.database, held, txToken, this.options.leaseMs);
    let stage: 'begin' | 'work' | 'commit' = 'begin';
    try {
      if (!(await this.answered(connection, connection.begin(fences, turns.length))))
        throw new LeaseLostError();
      stage = 'work';
      for (const turn of turns) await this.call(connection, turn);
      const settled = turns.flatMap(({ work, settle }) => {
        const settlement = settle();
        return settlement ? [{ work, settlement }] : [];
      });
      const statements = settleStatements(this.database, txToken, settled);
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

  /** A roll-back under a handler that still runs would turn its next statement into one that commits by itself. */
  private async call(connection: FencedConnection, turn: Turn): Promise<void> {
    const { call } = turn;
    if (!call) return;
    try {
      await withinTime(
        this.timeoutMsOf(turn),
        connection.within(() => call(connection.manager)),
      );
    } catch (error) {
      if (error instanceof HandlerTimeoutError) await connection.destroy(error);
      throw error;
    }
  }

  private timeoutMsOf({ timeoutMs = this.options.handlerTimeoutMs }: Turn): number {
    return timeoutMs;
  }

  /** A connection that has gone quiet would hold its slot and its record for as long as the network takes to notice. */
  private answered<T>(connection: FencedConnection, answer: Promise<T>): Promise<T> {
    return withinLimit(this.options.handlerTimeoutMs, answer, (silence) => connection.destroy(silence));
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
