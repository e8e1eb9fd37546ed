import type { EntityManager } from 'typeorm';
import type { Statement } from './statement.js';

/**
 * A connection for one transaction of a pass: fence, work, settle, COMMIT. What it proves, on every database: whatever
 * was written between a fence that found its row and a commit that succeeded was written in one transaction.
 */
export interface FencedConnection {
  /** What the work writes through. */
  readonly manager: EntityManager;

  /** TypeORM has let the connection go: it broke. */
  readonly isLost: boolean;

  /** Opens the transaction with UPDATEs. False unless they find so many rows in all: there is not everything to hold. */
  begin(fences: readonly Statement[], rows: number): Promise<boolean>;

  /** Runs the work where whoever asks the async context finds the transaction. */
  within<T>(work: () => T): T;

  /**
   * Ends the transaction, with these as its last statements: only the one that the fences began.
   * @throws TransactionOverError if that is not the present one any more, the database's error if it refuses a
   *   statement; nothing is committed then. Any other error: it may be.
   */
  commit(statements: readonly Statement[]): Promise<void>;

  /** Whether the transaction that the fence began is over: not by an error, but by hand. */
  hasEnded(): Promise<boolean>;

  rollBack(): Promise<void>;

  /** Cuts the connection: nobody who still holds it can do anything more, and its server ends what was open on it. */
  destroy(reason: Error): Promise<void>;

  /** Gives the connection back, unless it has been cut. */
  release(): Promise<void>;
}

/** The transaction that a settle belongs to has ended before it. */
export class TransactionOverError extends Error {
  /**
   * @param by `hand`: the work sent COMMIT or ROLLBACK; `error`: the database ended it at an error that the work
   *   caught; `open`: a part of it is still open
   */
  constructor(
    readonly by: 'hand' | 'error' | 'open',
    options?: ErrorOptions,
  ) {
    super(`the transaction is over, by ${by}`, options);
  }
}
