import type { EventOrigin, WaitReason } from '../model/event.js';
import type { RecordKey } from '../model/record.js';

/** A record that this worker holds the lease of, as it stood when claimed. */
export interface ClaimedRecord {
  readonly key: RecordKey;
  readonly recordKey: Buffer;
  readonly leaseToken: string;
  readonly version: number;
  readonly fingerprint: string | null;
  readonly fingerprintRevision: number;
  readonly deleted: boolean;
  /** When its state was saved last; null: never. */
  readonly savedAt: Date | null;
  /** The connection's counter then: what was requested with a lower ticket, or this one, may be older. */
  readonly ticket: number;
  readonly newestEventAt: Date | null;
  /** Claims without an outcome, this one included. */
  readonly starts: number;
  readonly fetchFailures: number;
  /** Since the last failed fetch; null: none since the last success. */
  readonly fetchFailedAgoMs: number | null;
  /** Until it may be fetched; null: now. */
  readonly fetchDueInMs: number | null;
  readonly missingReads: number;
  /** Since it was first not found; null: it was found last. */
  readonly missingForMs: number | null;
}

/** An event that waits for its record's pass. */
export interface WaitingEvent {
  /** The inbox id. */
  readonly id: string;
  readonly dedupeKey: Buffer;
  readonly eventId: string | null;
  readonly type: string;
  readonly origin: EventOrigin;
  readonly deletion: boolean;
  readonly occurredAt: Date | null;
  readonly receivedAt: Date;
  /** Null: not decided yet. */
  readonly late: boolean | null;
  readonly replayed: boolean;
  readonly replayNo: number;
  readonly succeededBy: readonly string[];
  readonly waitReason: WaitReason | null;
  readonly payload: string | null;
  /** The payload is the record as it was listed, requested with this ticket. */
  readonly ticket: number | null;
}

/** How far a handler is, with the record (`eventId` '0') or with one event. */
export interface Mark {
  readonly eventId: string;
  readonly handler: string;
  readonly state: 'done' | 'failed' | 'dead';
  /** The version that a change handler has seen; 0: none, -1: to be shown again. */
  readonly version: number;
  /** What it has seen was the deletion. */
  readonly deleted: boolean;
  /** The version that a change handler was called with last, and is not known to be done with; 0: none. */
  readonly failedVersion: number;
  readonly attempts: number;
  readonly conflicts: number;
  readonly replayNo: number;
  /** Until the next attempt; null: now. */
  readonly dueInMs: number | null;
  readonly error: string | null;
  /** Only of a failure in this pass. */
  readonly waitReason?: WaitReason;
}

/** The mark's `eventId` of change handlers. */
export const NO_EVENT = '0';

/** A record's state as a pass has found it to be. */
export interface RecordState {
  readonly version: number;
  readonly fingerprint: string | null;
  readonly fingerprintRevision: number;
  readonly deleted: boolean;
  readonly data: object | null;
}

/** How many of a record's waiting events one pass takes on: the oldest; the rest come next. */
export const EVENTS_PER_PASS = 1_000;

/** One claimed record with all that a pass over it needs. */
export interface Work {
  readonly record: ClaimedRecord;
  /** Oldest first, by the provider's time. */
  readonly events: readonly WaitingEvent[];
  readonly marks: readonly Mark[];
}
