import { DEFAULT_CONNECTION, type HydratedRecord } from '../../model/record.js';

/** The source that is assumed where a test names none. */
export const TEST_SOURCE = 'test';

/** What a record is made of; what is left out is filled in. */
export type RecordParts<T = any> = Partial<HydratedRecord<T>>;

/** @returns the record, of version 1 if it has content, and else of version 0, which was never fetched */
export function syncRecord<T = any>(parts: RecordParts<T> = {}): HydratedRecord<T> {
  const { data = null, version = data === null ? 0 : 1 } = parts;
  const { source = TEST_SOURCE, connectionId = DEFAULT_CONNECTION, resource = 'record', id = '1' } = parts;
  return { source, connectionId, resource, id, version, data };
}
