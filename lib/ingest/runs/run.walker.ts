import { Injectable } from '@nestjs/common';
import { isDataError } from '../../database/database.errors.js';
import { whole } from '../../database/statement.js';
import { SyncDatabase } from '../../database/sync.database.js';
import { Dispatcher, dueRecordsOf } from '../../dispatch/dispatcher.js';
import { Budget } from '../../hydrate/budget.js';
import {
  ProviderCallService,
  type CallResult,
  type FailedCall,
} from '../../hydrate/provider-call.service.js';
import type { InboxRow } from '../../inbox/inbox-row.js';
import { purposeOf } from '../../model/run.js';
import { SyncClock } from '../../sync.clock.js';
import type { PageReader } from '../listing/page-reader.js';
import { TargetReadError } from '../listing/target-comparison.service.js';
import { TicketService } from '../listing/ticket.service.js';
import { RunEventsService } from './run-events.service.js';
import {
  nextPages,
  withFailure,
  withPage,
  type Progress,
  type ResourceProgress,
  type Slice,
} from './run.progress.js';
import { RunService } from './run.service.js';
import type { HeldRun } from './run.js';

/** Events of a run that may wait for handlers before it lists more of them. */
const MOST_WAITING = 2_000;

/** How soon to look whether they have become fewer. */
const LOOK_AGAIN_MS = 200;

/** Calls for one resource that may fail in a row; longer apart each time. */
const MOST_FAILURES = 8;
const FIRST_RETRY_MS = 2_000;

/** And tries to read what handlers have made of its records, where it is not known to be nobody's fault that it fails. */
const MOST_UNREADABLE = 3;

interface Stored {
  readonly outcome: 'stored';
  readonly progress: Progress;
}

/** A page that the provider has kept the run from, or what handlers have made of its records. */
type FailedPage = Omit<FailedCall, 'failure'> & {
  readonly failure: FailedCall['failure'] | 'target-unreadable' | 'target-away';
};

/** Reads what a run is about, page after page, from where it had come to. */
@Injectable()
export class RunWalker {
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
    private readonly clock: SyncClock,
  ) {}

  /**
   * @returns when to go on, in milliseconds; null: everything is read that can be
   * @throws RunLostError
   */
  async walk<Page>(run: HeldRun, reader: PageReader<Page>): Promise<number | null> {
    let { progress } = run;
    const following = () => nextPages(progress, this.clock.now());
    for (let next = following(); next; next = following()) {
      if (this.stopping) return 0;
      if (next.slices.length === 0) return next.dueInMs;
      if (await this.mustWait(run, progress[next.resource]!)) return LOOK_AGAIN_MS;
      const grant = await this.budget.take(run, next.slices.length, purposeOf(run.kind));
      if (grant.granted === 0) return grant.retryInMs;
      const { resource } = next;
      const ticket = await this.tickets.draw(run);
      const asked = next.slices.slice(0, grant.granted);
      const pages = await Promise.all(
        asked.map((slice) => this.read(run, resource, progress[resource]!.slices[slice]!, reader)),
      );
      let waitMs: number | null = null;
      // One after the other: what a page says of progress must not be written down before the page is stored.
      for (const [i, page] of pages.entries()) {
        const stored =
          page.outcome === 'answered'
            ? await this.store(run, progress, resource, asked[i]!, page.answer, ticket, reader)
            : page;
        if (stored.outcome === 'stored') progress = stored.progress;
        else if (stored.failure === 'rate-limited') waitMs = Math.max(waitMs ?? 0, stored.pausedMs);
        else {
          const failures = progress[resource]!.failures + 1;
          const most = stored.failure === 'target-unreadable' ? MOST_UNREADABLE : MOST_FAILURES;
          const gaveUp = stored.failure === 'rejected' || failures >= most;
          const failed = withFailure(progress, resource, stored.message, gaveUp);
          progress = await this.runs.save(
            run,
            () => failed,
            () => Promise.resolve(),
          );
          if (!gaveUp) waitMs = Math.max(waitMs ?? 0, FIRST_RETRY_MS * 2 ** (failures - 1), stored.pausedMs);
          // The rows of the other pages are at the same target.
          if (stored.failure.startsWith('target-')) break;
        }
      }
      if (waitMs !== null) return waitMs;
    }
    return null;
  }

  private read<Page>(
    run: HeldRun,
    resource: string,
    slice: Slice,
    reader: PageReader<Page>,
  ): Promise<CallResult<Page>> {
    return this.calls.call(run, `list ${resource} ${slice.from} ${slice.page}`, (options) =>
      reader.read(resource, slice, options),
    );
  }

  private async store<Page>(
    run: HeldRun,
    progress: Progress,
    resource: string,
    slice: number,
    page: Page,
    ticket: string,
    reader: PageReader<Page>,
    refused = false,
  ): Promise<Stored | FailedPage> {
    const { asBefore, againInMs, ...move } = reader.moveOf(page);
    // What was read when an earlier page was asked for may be older than what has been saved since.
    const readBy = (asBefore ? progress[resource]!.slices[slice]!.ticket : undefined) ?? ticket;
    const dueAt = againInMs > 0 ? this.clock.now() + againInMs : null;
    let fresh: readonly InboxRow[] = [];
    try {
      const store = await reader.take(resource, page, readBy);
      const after = await this.runs.save(
        run,
        (changed: number) => withPage(progress, resource, slice, { ...move, changed, ticket: readBy, dueAt }),
        async (query) => (fresh = await store(query)).length,
      );
      this.dispatcher.dispatch(dueRecordsOf(fresh));
      return { outcome: 'stored', progress: after };
    } catch (error) {
      if (error instanceof TargetReadError) return failedBy(error);
      if (!isDataError(error) || refused) throw error;
      const rest = await reader.withoutRefused(page);
      return this.store(run, progress, resource, slice, rest, ticket, reader, true);
    }
  }

  /** What is listed must not run ahead of handlers by too much, nor children ahead of their parents at all. */
  private async mustWait(run: HeldRun, { state }: ResourceProgress): Promise<boolean> {
    if (state === 'waiting') return (await this.events.unfinished(run)).underWay > 0;
    const { source, connectionId, kind } = run;
    const origin = purposeOf(kind);
    const rows = await this.database.query(
      `SELECT 1 AS waiting FROM ${this.database.tables.event}
       WHERE state = 'waiting' AND source = $1 AND connection_id = $2 AND origin = $3 LIMIT ${whole(MOST_WAITING)}`,
      [source, connectionId, origin],
    );
    return rows.length >= MOST_WAITING;
  }
}

function failedBy({ message, afterMs }: TargetReadError): FailedPage {
  const failure = afterMs === null ? 'target-unreadable' : 'target-away';
  return { outcome: 'failed', failure, message, pausedMs: afterMs ?? 0 };
}
