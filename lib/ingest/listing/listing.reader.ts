import type { InboxRow } from '../../inbox/inbox-row.js';
import type { Connector, FetchOptions } from '../../model/connector.js';
import type { ListedRecord, ListPage } from '../../model/listing.js';
import type { ConnectionKey, RecordKey } from '../../model/record.js';
import type { Slice } from '../runs/run.progress.js';
import type { PageMove, PageReader, StorePage } from './page-reader.js';

/** Records that are stored at once, however many a page has: statements take only so many values. */
const BATCH = 2_000;

/** Records of a page of a listing, and the ticket that was drawn before it was asked for. */
export interface ListedPage {
  readonly place: Omit<RecordKey, 'id'>;
  readonly records: readonly ListedRecord[];
  readonly ticket: string;
}

/** What is to become of a page: described at `PageReader.take`. */
export type TakeListed = (page: ListedPage) => StorePage | Promise<StorePage>;

/** Reads listings of records. */
export class ListingReader implements PageReader<ListPage> {
  constructor(
    private readonly connection: ConnectionKey,
    private readonly connector: Connector,
    private readonly takeListed: TakeListed,
  ) {}

  read(resource: string, { from, to, page }: Slice, options: FetchOptions): Promise<ListPage> {
    const { connectionId } = this.connection;
    const bounds = { from: from === null ? null : new Date(from), to: to === null ? null : new Date(to) };
    return this.connector.list!({ connectionId, resource, page, ...bounds }, options);
  }

  moveOf({ next, reached, records, asBefore = false, againInMs = 0 }: ListPage): PageMove {
    return { next, reached, read: records.length, asBefore, againInMs };
  }

  async take(resource: string, { records }: ListPage, ticket: string): Promise<StorePage> {
    const { source, connectionId } = this.connection;
    const place = { source, connectionId, resource };
    const stores: StorePage[] = [];
    for (let at = 0; at < records.length; at += BATCH)
      stores.push(await this.takeListed({ place, records: records.slice(at, at + BATCH), ticket }));
    return async (query) => {
      const fresh: InboxRow[] = [];
      for (const store of stores) fresh.push(...(await store(query)));
      return fresh;
    };
  }

  /** Contents may be refused: what is listed without is read by itself. */
  withoutRefused(page: ListPage): Promise<ListPage> {
    return Promise.resolve({ ...page, records: page.records.map(({ id }) => ({ id, data: null })) });
  }
}
