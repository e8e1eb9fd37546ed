import { Inject, Injectable } from '@nestjs/common';
import { isDataError } from '../../database/database.errors.js';
import { whole } from '../../database/statement.js';
import { SyncDatabase, type Query } from '../../database/sync.database.js';
import { Dispatcher, dueRecordOf } from '../../dispatch/dispatcher.js';
import { Budget } from '../../hydrate/budget.js';
import { ProviderCallService, type CallResult } from '../../hydrate/provider-call.service.js';
import type { InboxRow } from '../../inbox/inbox-row.js';
import type { ListedRecord, ListPage } from '../../model/connector.js';
import type { RecordKey } from '../../model/record.js';
import { ResolvedSyncOptions } from '../../sync.options.js';
import { RunEventsService } from '../runs/run-events.service.js';
import {
  nextPages,
  withFailure,
  withPage,
  type Progress,
  type ResourceProgress,
  type Slice,
} from '../runs/run.progress.js';
import { RunService, type HeldRun } from '../runs/run.service.js';
import { TicketService } from './ticket.service.js';

/** A page of a listing, and the ticket that was drawn before it was asked for; null: its contents cannot be stored. */
export interface ListedPage {
  readonly place: Omit<RecordKey, 'id'>;
  readonly records: readonly ListedRecord[];
  readonly ticket: string | null;
}

/** Stores what a page is good for, in the transaction that moves the run on. @returns events that were not known */
export type TakePage = (query: Query, page: ListedPage) => Promise<readonly InboxRow[]>;

/** Events of a run that may wait for handlers before it lists more of them. */
const MOST_WAITING = 2_000;

/** How soon to look whether they have become fewer. */
const LOOK_AGAIN_MS = 200;

/** Calls for one resource that may fail in a row; longer apart each time. */
const MOST_FAILURES = 8;
const FIRST_RETRY_MS = 2_000;

/** Lists the records of a run's resources, page after page, from where it had come to. */
@Injectable()
export class ListingWalker {
  /** Walks end with the pages that they are at. */
  stopping = false;

  constructor(
    private readonly database: SyncDatabase,
    private readonly runs: RunService,
    private readonly events: RunEventsService,
    private readonly tickets: TicketService,
    private readonly budget: Budget,
    private readonly calls: ProviderCallService,
    private readonly dispatcher: Dispatcher,
    @Inject(ResolvedSyncOptions) private readonly options: ResolvedSyncOptions,
  ) {}

  /**
   * @returns when to go on, in milliseconds; null: everything is listed that can be
   * @throws RunLostError
   */
  async walk(run: HeldRun, take: TakePage): Promise<number | null> {
    let { progress } = run;
    for (let next = nextPages(progress); next; next = nextPages(progress)) {
      if (this.stopping) return 0;
      if (await this.mustWait(run, progress[next.resource]!)) return LOOK_AGAIN_MS;
      const grant = await this.budget.take(run, next.slices.length, run.kind);
      if (grant.granted === 0) return grant.retryInMs;
      const { resource } = next;
      const ticket = await this.tickets.draw(run);
      const asked = next.slices.slice(0, grant.granted);
      const pages = await Promise.all(
        asked.map((slice) => this.read(run, resource, progress[resource]!.slices[slice]!)),
      );
      let waitMs: number | null = null;
      // One after the other: what a page says of progress must not be written down before the page is stored.
      for (const [i, page] of pages.entries()) {
        if (page.outcome === 'answered') {
          progress = await this.store(run, progress, resource, asked[i]!, page.answer, ticket, take);
        } else if (page.failure === 'rate-limited') waitMs = Math.max(waitMs ?? 0, page.pausedMs);
        else {
          const failures = progress[resource]!.failures + 1;
          const gaveUp = page.failure === 'rejected' || failures >= MOST_FAILURES;
          const failed = withFailure(progress, resource, page.message, gaveUp);
          progress = await this.runs.save(
            run,
            () => failed,
            () => Promise.resolve(),
          );
          if (!gaveUp) waitMs = Math.max(waitMs ?? 0, FIRST_RETRY_MS * 2 ** (failures - 1));
        }
      }
      if (waitMs !== null) return waitMs;
    }
    return null;
  }

  private read(run: HeldRun, resource: string, { from, to, page }: Slice): Promise<CallResult<ListPage>> {
    const { connector } = this.options.sources[run.source]!;
    const bounds = { from: from === null ? null : new Date(from), to: to === null ? null : new Date(to) };
    const request = { connectionId: run.connectionId, resource, page, ...bounds };
    return this.calls.call(run, `list ${resource} ${from} ${page}`, (options) =>
      connector.list!(request, options),
    );
  }

  private async store(
    run: HeldRun,
    progress: Progress,
    resource: string,
    slice: number,
    page: ListPage,
    ticket: string | null,
    take: TakePage,
  ): Promise<Progress> {
    const place = { source: run.source, connectionId: run.connectionId, resource };
    const { records, next, reached } = page;
    let fresh: readonly InboxRow[] = [];
    try {
      const after = await this.runs.save(
        run,
        (changed: number) =>
          withPage(progress, resource, slice, { next, reached, read: records.length, changed }),
        async (query) => (fresh = await take(query, { place, records, ticket })).length,
      );
      this.dispatcher.dispatch(fresh.map((row) => dueRecordOf(row.recordKey, row.record, [row.type])));
      return after;
    } catch (error) {
      if (!isDataError(error) || ticket === null) throw error;
      return this.store(run, progress, resource, slice, page, null, take);
    }
  }

  /** What is listed must not run ahead of handlers by too much, nor children ahead of their parents at all. */
  private async mustWait(run: HeldRun, { state }: ResourceProgress): Promise<boolean> {
    if (state === 'waiting') return (await this.events.unfinished(run)).underWay > 0;
    const { source, connectionId, kind } = run;
    const rows = await this.database.query(
      `SELECT 1 AS waiting FROM ${this.database.tables.event}
       WHERE state = 'waiting' AND source = $1 AND connection_id = $2 AND origin = $3 LIMIT ${whole(MOST_WAITING)}`,
      [source, connectionId, kind],
    );
    return rows.length >= MOST_WAITING;
  }
}
