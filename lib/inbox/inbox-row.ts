import type { EventOrigin } from '../model/event.js';
import type { RecordKey } from '../model/record.js';

/** An event ready to be stored. */
export interface InboxRow {
  readonly dedupeKey: Buffer;
  readonly recordKey: Buffer;
  readonly record: RecordKey;
  readonly eventId: string | null;
  readonly type: string;
  readonly origin: EventOrigin;
  readonly deletion: boolean;
  readonly occurredAt: Date | null;
  /** What was sent, or with a ticket the record as it was listed. */
  readonly payload: string | null;
  /** Drawn before the listing was requested; null: nothing was listed. */
  readonly ticket: string | null;
  /** Kept for a person to look at; no handler can be given it. */
  readonly unstorable: boolean;
}
