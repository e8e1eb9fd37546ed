import type { FetchOptions, ListPage, ListRequest } from '../../model/connector.js';
import type { SalesforceClient } from './salesforce.client.js';
import { dataOf } from './salesforce.fetch.js';
import { longIdOf } from './salesforce.record-id.js';
import { MOST_WHOLE_RECORDS, quoted, selectionOf, timeLiteral } from './salesforce.soql.js';

/** As many rows as a query answers with at once, where it names their fields. */
const PAGE_SIZE = 2_000;

/** One page of an object's records, by their ids: `Connector.list`. */
export async function readListing(
  client: SalesforceClient,
  fields: readonly string[] | undefined,
  { resource, from, to, page }: ListRequest,
  options: FetchOptions,
): Promise<ListPage> {
  const conditions = [
    page !== null && `Id > ${quoted(page)}`,
    from && `CreatedDate >= ${timeLiteral(Math.ceil(from.getTime() / 1000) * 1000)}`,
    to && `CreatedDate < ${timeLiteral(Math.ceil(to.getTime() / 1000) * 1000)}`,
  ].filter((condition) => condition !== false && condition !== null);
  const limit = fields ? PAGE_SIZE : MOST_WHOLE_RECORDS;
  const soql =
    `SELECT ${selectionOf(fields)} FROM ${resource}` +
    (conditions.length > 0 ? ` WHERE ${conditions.join(' AND ')}` : '') +
    ` ORDER BY Id LIMIT ${limit}`;
  const { records } = await client.query(soql, false, `list ${resource}`, options);
  const listed = records.map((row) => ({ id: longIdOf(row.Id) ?? row.Id, data: dataOf(row) }));
  return { records: listed, next: records.length === limit ? listed.at(-1)!.id : null, reached: null };
}
