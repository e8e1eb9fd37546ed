import type { FetchOptions } from '../../model/connector.js';
import type { ListedRecord, ListPage, ListRequest } from '../../model/listing.js';
import type { SalesforceClient } from './salesforce.client.js';

/** What is listed, and who is asked for it. */
export interface Listing {
  readonly client: SalesforceClient;
  readonly request: ListRequest;
  /** Undefined: all. */
  readonly fields: readonly string[] | undefined;
  readonly options: FetchOptions;
}

/** Where a listing goes on: what the next page is read by. Its records up to the id `after` are listed. */
export type Place =
  /** A query. `sized`: how many records there are has been found out. */
  | { readonly step: 'rows'; readonly after: string | null; readonly sized: boolean }
  | { readonly step: 'count'; readonly after: string }
  /** A query job for all that is left is begun. */
  | JobPlace<'begin'>
  /** Someone looks at its state, and has done so often before. */
  | (JobPlace<'look'> & { readonly job: string; readonly looks: number })
  /** Its results; `locator`: from where on, null: from the first. */
  | (JobPlace<'results'> & { readonly job: string; readonly locator: string | null })
  | { readonly step: 'delete'; readonly job: string };

interface JobPlace<Step extends string> {
  readonly step: Step;
  readonly after: string;
  /** How the jobs before it have ended, which were good for nothing. */
  readonly failed: readonly string[];
}

export type PlaceOf<Step extends Place['step']> = Place & { readonly step: Step };

/** @param page a page's token, which is the place as JSON; null: a listing begins */
export function placeOf(page: string | null): Place {
  return page === null ? { step: 'rows', after: null, sized: false } : (JSON.parse(page) as Place);
}

/** @param next null: it was the last one */
export function pageOf(records: readonly ListedRecord[], next: Place | null): ListPage {
  return { records, next: next && JSON.stringify(next), reached: null };
}
