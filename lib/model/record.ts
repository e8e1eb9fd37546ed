/** The connection of a source that has only one account. */
export const DEFAULT_CONNECTION = 'default';

/** Names one account at a source. */
export interface ConnectionKey {
  /** The host's name for the source, as in `SyncModule.forRoot({ sources })`. */
  readonly source: string;
  /** A Connect account, an org, a tenant; `default` where there is one. */
  readonly connectionId: string;
}

/** Names one remote object: which source, whose account there, what kind, which one. */
export interface RecordKey extends ConnectionKey {
  /** The kind of object, in the provider's own word: `invoice`, `customer`. */
  readonly resource: string;
  /** The provider's id, normalised by the connector; a nested one carries its parent: `cus_1/txi_2`. */
  readonly id: string;
}

/** An event about nothing that has an id is a record of its own, which cannot be read. */
const EVENT_RECORD = /^event:[0-9a-f]{32}$/;

/** @param dedupeKey the event's, of 16 bytes */
export function eventRecordId(dedupeKey: Buffer): string {
  return `event:${dedupeKey.toString('hex')}`;
}

export function isEventRecord({ id }: RecordKey): boolean {
  return EVENT_RECORD.test(id);
}

/** A record as handlers are shown it: its key and how often its content has changed. */
export interface RecordRef extends RecordKey {
  /** Rises by one whenever the content changed, the record was deleted or came back. 0: never fetched. */
  readonly version: number;
}

/** A record with its content as hydrated for this pass. */
export interface HydratedRecord<T = unknown> extends RecordRef {
  /** The content as the provider's API gave it; `null` if deleted, or where nothing was fetched. */
  readonly data: T | null;
}
