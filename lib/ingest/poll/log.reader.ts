import type { Query } from '../../database/sync.database.js';
import type { InboxRow } from '../../inbox/inbox-row.js';
import type { ChangesPage, Connector, FetchOptions, IncomingEvent } from '../../model/connector.js';
import type { ConnectionKey } from '../../model/record.js';
import type { SyncClock } from '../../sync.clock.js';
import type { Slice } from '../runs/run.progress.js';
import type { PageMove, PageReader, StorePage } from '../listing/page-reader.js';

/** What becomes of the events of a page. */
export interface TakeLogged {
  /** @returns events that were not known */
  store(query: Query, events: readonly IncomingEvent[]): Promise<readonly InboxRow[]>;
  /** Keeps those that the tables refuse, as unstorable. */
  keepRefused(events: readonly IncomingEvent[]): Promise<void>;
}

/** Reads a provider's log of changes. */
export class LogReader implements PageReader<ChangesPage> {
  constructor(
    private readonly connection: ConnectionKey,
    private readonly connector: Connector,
    private readonly clock: SyncClock,
    private readonly logged: TakeLogged,
  ) {}

  read(_resource: string, { from, page }: Slice, options: FetchOptions): Promise<ChangesPage> {
    const { connectionId } = this.connection;
    const now = new Date(this.clock.now());
    return this.connector.changes!({ connectionId, cursor: page, since: new Date(from ?? 0), now }, options);
  }

  moveOf({ cursor, more, events }: ChangesPage): PageMove {
    return { next: more ? cursor : null, reached: null, read: events.length, asBefore: false, againInMs: 0 };
  }

  take(_resource: string, { events }: ChangesPage): Promise<StorePage> {
    return Promise.resolve((query: Query) => this.logged.store(query, events));
  }

  async withoutRefused(page: ChangesPage): Promise<ChangesPage> {
    await this.logged.keepRefused(page.events);
    return { ...page, events: [] };
  }
}
