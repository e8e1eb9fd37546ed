import { SyncError } from '../sync.errors.js';

/** Another worker has the record now. Nothing was written; the pass ends without a word to the handlers. */
export class LeaseLostError extends SyncError {
  readonly code = 'SYNC_LEASE_LOST';

  constructor() {
    super('the lease on the record is held by another worker');
  }
}

/** A handler outlived its time; its connection was cut, so nothing that it still does can be committed. */
export class HandlerTimeoutError extends SyncError {
  readonly code = 'SYNC_HANDLER_TIMEOUT';

  constructor(timeoutMs: number) {
    super(`the handler did not finish within ${timeoutMs} ms (raise timeoutMs, or do less in it)`);
  }
}

/** A handler returned as if all were well, but an error that it caught had already ended its transaction. */
export class TransactionAbortedError extends SyncError {
  readonly code = 'SYNC_TRANSACTION_ABORTED';

  constructor(options: ErrorOptions) {
    super(
      'the handler caught a database error and went on, but that error had ended the transaction and all its writes. ' +
        'Let the error out, or guard the statement with a savepoint: manager.transaction(...)',
      options,
    );
  }
}

/** `context.manager` was used in a handler that runs without a transaction. */
export class NoTransactionError extends SyncError {
  readonly code = 'SYNC_NO_TRANSACTION';

  constructor(handler: string) {
    super(`${handler} has transaction: 'none', so there is no context.manager; inject a repository instead`);
  }
}

/** The connection was lost under the handler; with it, all that it had written. */
export class ConnectionLostError extends SyncError {
  readonly code = 'SYNC_CONNECTION_LOST';

  constructor(options: ErrorOptions) {
    super('the database connection was lost while the handler ran', options);
  }
}

/**
 * The connection was lost at COMMIT. The marks in the database know whether it happened: the pass ends without writing
 * anything more, and the next one reads them.
 */
export class CommitUnknownError extends SyncError {
  readonly code = 'SYNC_COMMIT_UNKNOWN';

  constructor(options: ErrorOptions) {
    super('the outcome of a COMMIT is unknown', options);
  }
}

/** The application is coming to its end: no handler is begun any more. Ends the pass, and nothing else. */
export class DrainingError extends SyncError {
  readonly code = 'SYNC_DRAINING';

  constructor() {
    super('the application is shutting down');
  }
}

/** A handler ended its transaction by hand: what it wrote before that is kept or gone, and another attempt would not help. */
export class TransactionEndedError extends SyncError {
  readonly code = 'SYNC_TRANSACTION_ENDED';

  constructor(options: ErrorOptions) {
    super(
      'the handler has ended its transaction itself (by COMMIT or ROLLBACK; on MySQL also by CREATE, ALTER and the like), ' +
        'so its writes cannot be kept exactly once. ' +
        'Return to commit, throw to roll back, and use manager.transaction() for a part of it. What it has committed stands, ' +
        'and a replay makes it again',
      options,
    );
  }
}
