import type { ListPage } from '../../model/listing.js';
import { dataOf } from './salesforce.fetch.js';
import { pageOf, placeOf, type Listing, type PlaceOf } from './salesforce.place.js';
import { QueryJobs } from './salesforce.query-jobs.js';
import { longIdOf } from './salesforce.record-id.js';
import { MOST_WHOLE_RECORDS, selectionOf, whereOf } from './salesforce.soql.js';

/** As many rows as a query answers with at once, where it names their fields. */
const PAGE_SIZE = 2_000;

/** Reads an object's records: by rows in the order of their ids, and where those are many by query jobs. */
export class SalesforceListing {
  private readonly jobs = new QueryJobs();

  constructor(private readonly bulkAbove: number) {}

  /** One page: `Connector.list`. */
  read(listing: Listing): Promise<ListPage> {
    const place = placeOf(listing.request.page);
    switch (place.step) {
      case 'rows':
        return this.readRows(listing, place);
      case 'count':
        return this.count(listing, place.after);
      case 'begin':
        return this.jobs.begin(listing, place);
      case 'look':
        return this.jobs.look(listing, place);
      case 'results':
        return this.jobs.readResults(listing, place);
      case 'delete':
        return this.jobs.delete(listing, place.job);
    }
  }

  private async readRows(
    { client, request: { resource, from, to }, fields, options }: Listing,
    { after, sized }: PlaceOf<'rows'>,
  ): Promise<ListPage> {
    const limit = fields ? PAGE_SIZE : MOST_WHOLE_RECORDS;
    const soql =
      `SELECT ${selectionOf(fields)} FROM ${resource}${whereOf(from, to, after)}` +
      ` ORDER BY Id LIMIT ${limit}`;
    const { records: rows } = await client.query(soql, false, `list ${resource}`, options);
    const records = rows.map((row) => ({ id: longIdOf(row.Id) ?? row.Id, data: dataOf(row) }));
    if (rows.length < limit) return pageOf(records, null);
    const last = records.at(-1)!.id;
    // Fields of parents are given by jobs in another form, and those alone.
    const mayBeMany = !sized && this.bulkAbove !== Infinity && !fields?.some((field) => field.includes('.'));
    return pageOf(records, mayBeMany ? { step: 'count', after: last } : { step: 'rows', after: last, sized });
  }

  /** Only of what has not come to its end with the first page: most listings cost no call more. */
  private async count(
    { client, request: { resource, from, to }, options }: Listing,
    after: string,
  ): Promise<ListPage> {
    const soql = `SELECT COUNT() FROM ${resource}${whereOf(from, to, null)} LIMIT ${this.bulkAbove + 1}`;
    const { totalSize } = await client.query(soql, false, `count ${resource}`, options);
    return totalSize > this.bulkAbove
      ? pageOf([], { step: 'begin', after, failed: [] })
      : pageOf([], { step: 'rows', after, sized: true });
  }
}
