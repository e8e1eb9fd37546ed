import type { RecordKey } from './record.js';

/**
 * Something that a person should look at:
 * - `dead` a handler, or the fetch, gave up on an event; `SyncService.replay()` runs it again;
 * - `stuck` an event has waited longer than `stuckAfterMs`;
 * - `delete-cap` more records are missing at the provider than is believable; they are held back.
 *
 * An abstract class and not an interface, so that it can stand in a decorated method's signature (TS1272).
 */
export abstract class SyncAlarm {
  readonly kind!: 'dead' | 'stuck' | 'delete-cap';
  readonly source!: string;
  readonly connectionId!: string;
  /** In one line what has happened. Holds no payload. */
  readonly message!: string;
  /** The record concerned, where it is one. */
  readonly record?: RecordKey;
  /** Inbox ids of the events concerned; of `stuck` and `delete-cap`, which may be about very many, the oldest alone. */
  readonly eventIds!: readonly string[];
}
