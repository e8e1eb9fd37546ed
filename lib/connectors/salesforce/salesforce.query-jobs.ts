import type { ListPage } from '../../model/listing.js';
import { ProviderError } from '../../sync.errors.js';
import { bulkShapeOf, type BulkShape } from './salesforce.bulk-shape.js';
import { SalesforceError } from './salesforce.failure.js';
import { pageOf, type Listing, type Place, type PlaceOf } from './salesforce.place.js';
import { longIdOf } from './salesforce.record-id.js';
import { whereOf } from './salesforce.soql.js';

/** Jobs for one listing that may end without results. */
const MOST_JOBS = 3;

/** How soon to look at a job's state; twice as long each time. */
const FIRST_LOOK_MS = 1_000;
const LONGEST_LOOK_MS = 30_000;

/** Results that are read by one call: a few megabytes, however many columns there are. */
const CELLS = 200_000;
const FEWEST_RESULTS = 1_000;
const MOST_RESULTS = 8_000;

interface JobInfo {
  readonly id: string;
  readonly state: string;
}

/**
 * Reads listings by query jobs of the Bulk API 2.0. Each method is one page. Jobs of runs that are not gone on with are left
 * to Salesforce, which deletes them after seven days.
 */
export class QueryJobs {
  /** By connection and object. Others are asked for where a process goes on with what another has begun. */
  private readonly shapes = new Map<string, BulkShape | null>();

  /** The object is described before, by a call of its own: what a job may be asked for depends on it. */
  async begin(listing: Listing, { after, failed }: PlaceOf<'begin'>): Promise<ListPage> {
    const { client, request, options } = listing;
    const { resource, from, to } = request;
    if (failed.length >= MOST_JOBS)
      throw new ProviderError(
        'rejected',
        `Salesforce: ${failed.length} query jobs of ${resource} have ended without results: ${failed.join(', ')}`,
      );
    const shape = await this.describe(listing);
    if (!shape) return pageOf([], { step: 'rows', after, sized: true });
    const query = `SELECT ${shape.columns.join(', ')} FROM ${resource}${whereOf(from, to, after)}`;
    const body = {
      operation: 'query',
      query,
      contentType: 'CSV',
      columnDelimiter: 'COMMA',
      lineEnding: 'LF',
    };
    const label = `begin a query job of ${resource}`;
    try {
      const { id } = await client.request<JobInfo>(
        { method: 'POST', path: '/jobs/query', body, label },
        options,
      );
      const next: Place = { step: 'look', after, failed, job: id, looks: 0 };
      return { ...pageOf([], next), againInMs: FIRST_LOOK_MS };
    } catch (error) {
      // Not every object and not every edition has jobs, and there are so many a day: rows can be read all the same.
      if (isRefusal(error)) return pageOf([], { step: 'rows', after, sized: true });
      throw error;
    }
  }

  async look({ client, request, options }: Listing, place: PlaceOf<'look'>): Promise<ListPage> {
    const { after, failed, job, looks } = place;
    const label = `look at a query job of ${request.resource}`;
    try {
      const path = `/jobs/query/${job}`;
      const { state } = await client.request<JobInfo>({ method: 'GET', path, label }, options);
      if (state === 'JobComplete')
        return earlier(pageOf([], { step: 'results', after, failed, job, locator: null }));
      if (state === 'Failed' || state === 'Aborted') return beginAgain(place, state);
      const againInMs = Math.min(FIRST_LOOK_MS * 2 ** (looks + 1), LONGEST_LOOK_MS);
      return { ...earlier(pageOf([], { ...place, looks: looks + 1 })), againInMs };
    } catch (error) {
      if (isRefusal(error)) return beginAgain(place, error.answer);
      throw error;
    }
  }

  async readResults(listing: Listing, place: PlaceOf<'results'>): Promise<ListPage> {
    const { client, request, options } = listing;
    const { job, locator } = place;
    const shape = this.shapes.get(nameOf(listing)) ?? (await this.describe(listing));
    if (!shape) return beginAgain(place, 'CHANGED_FIELDS');
    const label = `results of a query job of ${request.resource}`;
    const most = Math.max(FEWEST_RESULTS, Math.min(MOST_RESULTS, Math.floor(CELLS / shape.columns.length)));
    const path = `/jobs/query/${job}/results?maxRecords=${most}${locator === null ? '' : `&locator=${encodeURIComponent(locator)}`}`;
    try {
      const { lines, headers } = await client.lines(path, label, options);
      const next = headers['sforce-locator'];
      const count = headers['sforce-numberofrecords'];
      // What is not read here counts as gone.
      if (next === undefined || (count !== undefined && Number(count) !== lines.length))
        throw new SalesforceError('unavailable', 'INCOMPLETE_RESULTS', label);
      const [line] = lines;
      if (line && !isOf(shape, Object.keys(line))) return beginAgain(place, 'CHANGED_FIELDS');
      const records = lines.map((each) => ({ id: longIdOf(each.Id) ?? each.Id!, data: shape.dataOf(each) }));
      return earlier(
        pageOf(records, next === 'null' ? { step: 'delete', job } : { ...place, locator: next }),
      );
    } catch (error) {
      if (isRefusal(error)) return beginAgain(place, error.answer);
      throw error;
    }
  }

  /** Everything is listed: a job that stays costs nothing but its place, and Salesforce deletes it by itself. */
  async delete({ client, request, options }: Listing, job: string): Promise<ListPage> {
    const label = `delete a query job of ${request.resource}`;
    try {
      await client.request({ method: 'DELETE', path: `/jobs/query/${job}`, label }, options);
    } catch (error) {
      if (!(error instanceof ProviderError)) throw error;
    }
    return pageOf([], null);
  }

  private async describe(listing: Listing): Promise<BulkShape | null> {
    const { client, request, fields, options } = listing;
    const described = await client.describe(request.resource, options);
    const shape = described && bulkShapeOf(described, fields);
    this.shapes.set(nameOf(listing), shape);
    return shape;
  }
}

function nameOf({ request: { connectionId, resource } }: Listing): string {
  return `${connectionId} ${resource}`;
}

/** What a job shows, it shows as it was when the job was begun. */
function earlier(page: ListPage): ListPage {
  return { ...page, asBefore: true };
}

/** With a job for everything that was not listed when the first one was begun: results have no order of which to go on. */
function beginAgain({ after, failed }: PlaceOf<'look' | 'results'>, end: string): ListPage {
  return {
    ...pageOf([], { step: 'begin', after, failed: [...failed, end] }),
    againInMs: FIRST_LOOK_MS * 2 ** failed.length,
  };
}

/** Of a job that the org has no more, or never had: whatever it says to that. */
function isRefusal(error: unknown): error is SalesforceError {
  return error instanceof SalesforceError && error.failure === 'rejected';
}

function isOf({ columns }: BulkShape, names: readonly string[]): boolean {
  return names.length === columns.length && columns.every((column) => names.includes(column));
}
