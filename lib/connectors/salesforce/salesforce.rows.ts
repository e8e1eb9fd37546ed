import type { FetchOptions } from '../../model/connector.js';
import type { TargetRow } from '../../model/target.js';
import type { DescribedObject, SalesforceClient, SalesforceRow } from './salesforce.client.js';
import { quoted } from './salesforce.soql.js';

/** An address of more than 16,384 bytes is refused, headers included. */
const LONGEST_QUERY = 12_000;

/** Where rows are, and what they are known by. */
export interface RowsPlace {
  readonly object: string;
  readonly externalId: string;
  readonly described: DescribedObject;
}

/**
 * Rows of an object as they stand, with the fields that are given of each, by one query; by several where it would be too long.
 * @throws ProviderError
 */
export async function readRows(
  client: SalesforceClient,
  place: RowsPlace,
  rows: readonly TargetRow[],
  options: FetchOptions,
): Promise<(object | null)[]> {
  const soql = queryFor(place, rows);
  if (encodeURIComponent(soql).length > LONGEST_QUERY && rows.length > 1) {
    const half = Math.ceil(rows.length / 2);
    const first = await readRows(client, place, rows.slice(0, half), options);
    return [...first, ...(await readRows(client, place, rows.slice(half), options))];
  }
  const { records } = await client.query(soql, false, `query ${place.object}`, options);
  const nameOf = namingOf(place);
  const found = new Map(records.map((record) => [nameOf(valueOf(record, place.externalId)), record]));
  return rows.map(({ id, row }) => {
    const record = found.get(nameOf(id));
    return record ? partOf(record, row ?? {}) : null;
  });
}

function queryFor({ object, externalId }: RowsPlace, rows: readonly TargetRow[]): string {
  const fields = [externalId, ...rows.flatMap(({ row }) => pathsOf(row ?? {}))];
  const ids = rows.map(({ id }) => quoted(id)).join(', ');
  // One that is named twice, in another case say, is refused.
  const byName = new Map(fields.map((field) => [field.toLowerCase(), field]));
  return `SELECT ${[...byName.values()].join(', ')} FROM ${object} WHERE ${externalId} IN (${ids})`;
}

/** Those of parents by their way there: `Account__r.Stripe_Id__c`. Of one that there is not to be, whether there is one. */
function pathsOf(row: object): string[] {
  return Object.entries(row)
    .filter(([name, value]) => name !== 'attributes' && value !== undefined)
    .flatMap(([name, value]) => {
      const isParent = typeof value === 'object' && value !== null && !(value instanceof Date);
      if (isParent) return pathsOf(value as object).map((path) => `${name}.${path}`);
      return name.toLowerCase().endsWith('__r') ? [`${name}.Id`] : [name];
    });
}

/** The fields that `wanted` has, under the names that they have there: the API gives them in its own case. */
function partOf(record: object, wanted: object): object {
  return Object.fromEntries(
    Object.entries(wanted).map(([name, inner]) => {
      const value = valueOf(record, name);
      const isParent = typeof value === 'object' && value !== null && typeof inner === 'object' && inner;
      return [name, isParent ? partOf(value, inner as object) : value];
    }),
  );
}

function valueOf(record: object, name: string): unknown {
  const found = Object.keys(record).find((key) => key.toLowerCase() === name.toLowerCase());
  return found === undefined ? null : (record as SalesforceRow)[found];
}

/** How the org tells external ids apart. */
function namingOf({ described, externalId }: RowsPlace): (id: unknown) => string {
  const isSensitive = described.fields.find(({ name }) => name === externalId)?.caseSensitive;
  return (id) => (isSensitive ? String(id) : String(id).toLowerCase());
}
