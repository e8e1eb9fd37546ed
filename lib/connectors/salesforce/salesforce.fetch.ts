import type { Fetched, FetchOptions } from '../../model/connector.js';
import type { RecordKey } from '../../model/record.js';
import { ProviderError } from '../../sync.errors.js';
import type { SalesforceClient, SalesforceRow } from './salesforce.client.js';
import { longIdOf } from './salesforce.record-id.js';
import { MOST_WHOLE_RECORDS, quoted, selectionOf } from './salesforce.soql.js';

/** As many records of one object as one query reads. */
export const MOST_FETCHED = MOST_WHOLE_RECORDS;

/**
 * Reads records of one object by one query, deleted ones too as long as they are in the recycle bin: those are stated to be
 * gone.
 * @throws ProviderError that concerns all of them
 */
export async function fetchRecords(
  client: SalesforceClient,
  records: readonly RecordKey[],
  fields: readonly string[] | undefined,
  options: FetchOptions,
): Promise<(Fetched | ProviderError)[]> {
  const { resource } = records[0]!;
  const ids = records.map(({ id }) => longIdOf(id));
  const wanted = [...new Set(ids.filter((id) => id !== null))];
  const rows = new Map<string, SalesforceRow>();
  if (wanted.length > 0) {
    const soql =
      `SELECT ${selectionOf(fields)} FROM ${resource} ` +
      `WHERE Id IN (${wanted.map(quoted).join(', ')}) LIMIT ${MOST_WHOLE_RECORDS}`;
    const { records: found } = await client.query(soql, true, `query ${resource}`, options);
    for (const row of found) rows.set(longIdOf(row.Id) ?? row.Id, row);
  }
  return ids.map((id) => {
    if (id === null)
      return new ProviderError('rejected', `Salesforce: a ${resource} cannot be read by such an id`);
    const row = rows.get(id);
    if (!row) return { found: false, stated: false };
    return row.IsDeleted === true ? { found: false, stated: true } : { found: true, data: dataOf(row) };
  });
}

/** A record's content: without where it was read from, of it and of the parents in it. */
export function dataOf(row: SalesforceRow): object {
  return without(row) as object;
}

function without(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(without);
  const fields = Object.entries(value).filter(([name]) => name !== 'attributes');
  return Object.fromEntries(fields.map(([name, inner]) => [name, without(inner)]));
}
