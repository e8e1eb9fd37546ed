import { Inject, Injectable } from '@nestjs/common';
import { isDataError } from '../../database/database.errors.js';
import { Dispatcher, dueRecordsOf } from '../../dispatch/dispatcher.js';
import { HandlerRegistry } from '../../handlers/handler.registry.js';
import { Budget } from '../../hydrate/budget.js';
import { ProviderCallService, type CallResult } from '../../hydrate/provider-call.service.js';
import { IdempotencyService } from '../../inbox/idempotency.service.js';
import type { InboxRow } from '../../inbox/inbox-row.js';
import { InboxService } from '../../inbox/inbox.service.js';
import type { ChangesPage } from '../../model/connector.js';
import { modeOf } from '../../model/mode.js';
import type { ConnectionKey } from '../../model/record.js';
import { Telemetry } from '../../observe/telemetry.js';
import { StartService } from '../../process/start.service.js';
import { SyncClock } from '../../sync.clock.js';
import { CursorExpiredError } from '../../sync.errors.js';
import { ResolvedSyncOptions } from '../../sync.options.js';
import { CursorService, WalkLostError, type Walk } from './cursor.service.js';
import { ReconcileService } from '../runs/reconcile.service.js';
import { ConnectionHealthService } from './connection-health.service.js';
import type { Progress, WalkStop } from './walk-progress.js';

/** What one walk over a log of changes has come to. */
export interface PollResult {
  readonly source: string;
  readonly connectionId: string;
  /** API calls. */
  readonly pages: number;
  /** Events that were new to the inbox. */
  readonly found: number;
  /** Those of them that a webhook should have brought by then. */
  readonly lost: number;
  /** Whether the log was read to its end. If not, the walk goes on later by itself. */
  readonly atEnd: boolean;
  /** Why the provider did not let it come to the end; `null`: it did, or the budget was used up. */
  readonly error: string | null;
}

/** After something that should not have happened. */
const RETRY_MS = 5_000;

/** As long as the sweep gives events to a handler that was not there when they were settled. */
const READ_AGAIN_MS = 86_400_000;

/** Reads what has happened at a connection out of the provider's log, from where it was last read. */
@Injectable()
export class PollService {
  /** Walks end with the page that they are at. */
  stopping = false;

  constructor(
    private readonly cursors: CursorService,
    private readonly health: ConnectionHealthService,
    private readonly calls: ProviderCallService,
    private readonly budget: Budget,
    private readonly idempotency: IdempotencyService,
    private readonly inbox: InboxService,
    private readonly registry: HandlerRegistry,
    private readonly dispatcher: Dispatcher,
    private readonly starts: StartService,
    private readonly reconciliations: ReconcileService,
    private readonly telemetry: Telemetry,
    private readonly clock: SyncClock,
    @Inject(ResolvedSyncOptions) private readonly options: ResolvedSyncOptions,
  ) {}

  /**
   * Walks to the end of the log, or as far as the budget reaches.
   * @param early although the next walk is not due yet
   * @returns null: another process walks, or nothing is due
   */
  async poll(connection: ConnectionKey, early = false): Promise<PollResult | null> {
    const walk = await this.cursors.claim(connection, early);
    if (!walk) return null;
    const progress = this.begin(walk);
    try {
      const stop = await this.walk(walk, progress);
      const lost = await this.health.conclude(walk, progress, stop);
      const { source, connectionId } = connection;
      const { pages, fresh, atEnd } = progress;
      const error = stop?.failed?.message ?? null;
      return { source, connectionId, pages, found: fresh.length, lost, atEnd, error };
    } catch (error) {
      if (error instanceof WalkLostError) return null;
      // Nobody else could walk before the lease ends.
      await this.health.conclude(walk, progress, { dueInMs: RETRY_MS }).catch(() => undefined);
      throw error;
    }
  }

  /**
   * From where it was read, or again for a day if there are handlers by now that were not there then: older processes pass
   * over what only newer ones want.
   */
  private begin(walk: Walk): Progress {
    const startAt = this.starts.startOf(walk.source)?.getTime() ?? 0;
    const wanted = this.registry.wanted(walk.source);
    const again = walk.position !== null && wanted.some((each) => !walk.wanted.includes(each));
    const sinceMs = again ? Math.max(startAt, this.clock.now() - READ_AGAIN_MS) : startAt;
    const position = again ? null : walk.position;
    return { wanted, position, since: new Date(sinceMs), again, pages: 0, fresh: [], atEnd: false };
  }

  /** @returns why it has stopped before the end of the log */
  private async walk(walk: Walk, progress: Progress): Promise<WalkStop | null> {
    while (!progress.atEnd) {
      if (this.stopping) return { dueInMs: 0 };
      const grant = await this.budget.take(walk, 1, 'live');
      if (grant.granted === 0) return { dueInMs: grant.retryInMs };
      progress.pages += 1;
      const read = await this.read(walk, progress);
      if (read.outcome === 'failed') return { dueInMs: read.pausedMs, failed: read };
      await this.take(walk, read.answer, progress);
    }
    return null;
  }

  /** One page. A log that no longer reaches back to the cursor is read from where it begins, with an alarm. */
  private async read(walk: Walk, { position: cursor, since }: Progress): Promise<CallResult<ChangesPage>> {
    const { connector } = this.options.sources[walk.source]!;
    const { connectionId } = walk;
    const now = new Date(this.clock.now());
    return this.calls.call(walk, 'the log', async (options) => {
      try {
        return await connector.changes!({ connectionId, cursor, since, now }, options);
      } catch (error) {
        if (!(error instanceof CursorExpiredError)) throw error;
        await this.bridgeGap(walk, error);
        return connector.changes!({ connectionId, cursor: null, since: error.since, now }, options);
      }
    });
  }

  private async take(walk: Walk, { events, cursor, more }: ChangesPage, progress: Progress): Promise<void> {
    const rows = events
      .map((event) => this.idempotency.loggedRow(walk.source, event, 'poll'))
      .filter((row) => this.isWanted(row));
    const fresh = await this.store(walk, cursor, progress.wanted, rows);
    progress.position = cursor;
    progress.atEnd = !more;
    progress.fresh.push(
      ...fresh.map(({ type, occurredAt, record }) => ({ type, occurredAt, resource: record.resource })),
    );
    this.dispatcher.dispatch(dueRecordsOf(fresh));
  }

  /** What the tables refuse is kept as unstorable, as it is of a delivery, before the cursor passes it. */
  private async store(
    walk: Walk,
    position: string,
    wanted: readonly string[],
    rows: readonly InboxRow[],
  ): Promise<readonly InboxRow[]> {
    try {
      return await this.cursors.move(walk, position, wanted, (query) => this.inbox.acceptWithin(query, rows));
    } catch (error) {
      if (!isDataError(error)) throw error;
      for (const row of rows) await this.inbox.accept([row]);
      return this.cursors.move(walk, position, wanted, () => Promise.resolve(rows));
    }
  }

  /** The log holds all that happens at the provider; most of it is nobody's business here. */
  private isWanted({ type, record }: InboxRow): boolean {
    const { source, resource } = record;
    if (modeOf(this.options.sources[source]!.mode, resource) === 'webhook') return false;
    return this.registry.wants(source, type, resource);
  }

  /** What is in no log any more can still be compared. */
  private async bridgeGap(walk: Walk, { message, since }: CursorExpiredError): Promise<void> {
    const { source, connectionId } = walk;
    const begun = await this.reconciliations.beginOnce(walk, 0);
    const from = since.toISOString();
    this.telemetry.alarm({
      kind: 'cursor-expired',
      source,
      connectionId,
      message:
        `${source}/${connectionId}: what happened before ${from} is in no log any more. ${message}. It is polled from there ` +
        `on, and ${begun ? 'everything is compared with what the provider has' : 'nothing of it can be listed'}.`,
      eventIds: [],
    });
  }
}
