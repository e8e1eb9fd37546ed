import { SyncError } from '../sync.errors.js';

/** The event is not stored and must be sent again: the answer is 503. */
export class InboxUnavailableError extends SyncError {
  readonly code = 'SYNC_INBOX_UNAVAILABLE';

  constructor(
    /** `full`: too many deliveries wait; `slow`: not stored in time; `database`: the database refused or is away. */
    readonly reason: 'full' | 'slow' | 'database',
    options?: ErrorOptions,
  ) {
    super(`the delivery could not be stored: ${reason}`, options);
  }
}
