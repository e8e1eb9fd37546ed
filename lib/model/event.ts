/**
 * How an event became known. `parent`: a handler's `requires` asked for the record; `project`: `SyncService.project()` did;
 * `setback`: a handler with `transaction: 'none'` may have written an older state over a newer one, and writes once more.
 */
export type EventOrigin =
  'webhook' | 'stream' | 'poll' | 'backfill' | 'reconcile' | 'project' | 'manual' | 'parent' | 'setback';

/** Where an event stands. Everything but `waiting` is settled. */
export type EventState = 'waiting' | 'completed' | 'skipped' | 'dead';

/** Why a settled event ran no handler. */
export type SkipReason = 'no-handler' | 'before-start' | 'too-old' | 'observed' | 'erased';

/** Why a waiting event does not run at once. None of these uses an attempt, except `retry` and `fetch-failed`. */
export type WaitReason =
  | 'retry'
  | 'retry-later'
  | 'conflict'
  | 'budget'
  | 'daily-limit'
  | 'rate-limited'
  | 'fetch-failed'
  | 'provider-unavailable'
  | 'missing-confirm'
  | 'delete-cap'
  | 'parent'
  | 'paused'
  | 'no-handler';

/**
 * Something that happened at the source, once: what an event handler is given.
 *
 * `payload` is what the provider sent, frozen when the event was made; it is not the present state (that is
 * `context.record.data`). It is the same on every attempt, so build the parameters of idempotent requests from it.
 *
 * An abstract class and not an interface, so that it can stand in a decorated method's signature (TS1272).
 */
export abstract class SyncEvent<T = unknown> {
  /** The provider's id of the event; `null` for an event that was derived, not sent. */
  readonly id!: string | null;
  /** The provider's type: `invoice.payment_failed`. */
  readonly type!: string;
  readonly source!: string;
  readonly connectionId!: string;
  readonly origin!: EventOrigin;
  /** When it happened, by the provider's clock; `null` where the provider does not say. */
  readonly occurredAt!: Date | null;
  /** When it entered the inbox, by the database's clock. */
  readonly receivedAt!: Date;
  /** It came after a newer event of the same record had been handled. */
  readonly late!: boolean;
  /** It is being run again by `SyncService.replay()`. */
  readonly replayed!: boolean;
  /** What the provider sent, parsed. */
  readonly payload!: T;
}
