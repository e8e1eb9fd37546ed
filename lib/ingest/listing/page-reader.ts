import type { Query } from '../../database/sync.database.js';
import type { InboxRow } from '../../inbox/inbox-row.js';
import type { FetchOptions } from '../../model/connector.js';
import type { Slice } from '../runs/run.progress.js';

/** How far a page moves its run on. */
export interface PageMove {
  /** Where to go on; null: this was the last page. */
  readonly next: string | null;
  /** Of pages that are newest first: everything younger is listed. */
  readonly reached: Date | null;
  /** Of how many records, or events. */
  readonly read: number;
  /** It shows what was there when an earlier page was asked for: `ListPage.asBefore`. */
  readonly asBefore: boolean;
  /** How soon there is something more to be read, in milliseconds. */
  readonly againInMs: number;
}

/** Stores what a page is good for, in the transaction that moves the run on. @returns events that were not known */
export type StorePage = (query: Query) => Promise<readonly InboxRow[]>;

/** What a run reads page by page, and what becomes of a page. */
export interface PageReader<Page = unknown> {
  /** One call. @throws ProviderError */
  read(resource: string, slice: Slice, options: FetchOptions): Promise<Page>;

  moveOf(page: Page): PageMove;

  /**
   * Finds out what else has to be known of a page, while no transaction is open.
   * @param ticket that was drawn before it was asked for
   * @throws TargetReadError if what handlers have made of its records could not be read
   */
  take(resource: string, page: Page, ticket: string): Promise<StorePage>;

  /** The same page with nothing in it that the tables refuse. */
  withoutRefused(page: Page): Promise<Page>;
}
