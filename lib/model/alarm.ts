import type { RecordKey } from './record.js';

/**
 * Something that a person should look at:
 * - `dead` a handler, or the fetch, gave up on an event; `SyncService.replay()` runs it again;
 * - `stuck` an event has waited longer than `stuckAfterMs`;
 * - `delete-cap` more records are missing at the provider than is believable; they are held back;
 * - `degraded` polling finds what webhooks should have brought;
 * - `down` a connection's log of changes cannot be read, walk after walk, or its stream not be kept open;
 * - `cursor-expired` the application was away for longer than the provider's log or stream reaches back.
 *
 * An abstract class and not an interface, so that it can stand in a decorated method's signature (TS1272).
 */
export abstract class SyncAlarm {
  readonly kind!: 'dead' | 'stuck' | 'delete-cap' | 'degraded' | 'down' | 'cursor-expired';
  readonly source!: string;
  readonly connectionId!: string;
  /** In one line what has happened. Holds no payload. */
  readonly message!: string;
  /** The record concerned, where it is one. */
  readonly record?: RecordKey;
  /** Inbox ids of the events concerned; of `stuck` and `delete-cap`, which may be about very many, the oldest alone; none of alarms about a connection. */
  readonly eventIds!: readonly string[];
}
