import type { RecordRef } from './record.js';

/** What became of a record since this handler last saw it. */
export type ChangeKind = 'created' | 'updated' | 'deleted';

/**
 * A record is different from what this handler last saw: the newest state, once. Several events may come as one change.
 *
 * An abstract class and not an interface, so that it can stand in a decorated method's signature (TS1272).
 */
export abstract class SyncChange<T = unknown> {
  /** As this handler sees it: `created` if it never saw the record alive, `deleted` only if it had. */
  readonly kind!: ChangeKind;
  /** The record's content as the API gave it; `null` when `kind` is `deleted`. */
  readonly data!: T | null;
  readonly record!: RecordRef;
}
