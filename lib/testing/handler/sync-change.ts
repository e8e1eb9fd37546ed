import type { ChangeKind, SyncChange } from '../../model/change.js';
import { syncRecord, type RecordParts } from './sync-record.js';

/**
 * A change to call a handler with.
 *
 * @param record what has changed, with its `data`; give the same one to `syncContext({ record })`
 * @param kind `deleted` leaves the data out. @default `deleted` without data, `created` at version 1, else `updated`
 */
export function syncChange<T = any>(record: RecordParts<T>, kind?: ChangeKind): SyncChange<T> {
  const { data, ...ref } = syncRecord(record);
  const usual = data === null ? 'deleted' : ref.version === 1 ? 'created' : 'updated';
  return { kind: kind ?? usual, data: kind === 'deleted' ? null : data, record: ref };
}
