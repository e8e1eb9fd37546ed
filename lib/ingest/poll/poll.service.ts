import { Inject, Injectable } from '@nestjs/common';
import { Budget } from '../../hydrate/budget.js';
import { ProviderCallService, type CallResult } from '../../hydrate/provider-call.service.js';
import type { ChangesPage } from '../../model/connector.js';
import type { ConnectionKey } from '../../model/record.js';
import { SyncClock } from '../../sync.clock.js';
import { CursorExpiredError } from '../../sync.errors.js';
import { ResolvedSyncOptions } from '../../sync.options.js';
import { CursorService, WalkLostError, type Walk } from './cursor.service.js';
import { ConnectionHealthService } from './connection-health.service.js';
import { LogIntakeService } from './log-intake.service.js';
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
    private readonly intake: LogIntakeService,
    private readonly clock: SyncClock,
    @Inject(ResolvedSyncOptions) private readonly options: ResolvedSyncOptions,
  ) {}

  /**
   * Walks to the end of the log, or as far as the budget reaches.
   * @param early although the next walk is not due yet
   * @returns null: another process walks, or nothing is due
   */
  async poll(connection: ConnectionKey, early = false): Promise<PollResult | null> {
    const walk = await this.cursors.claim('log', connection, early);
    if (!walk) return null;
    const progress: Progress = { ...this.intake.begin(walk), pages: 0, fresh: [], atEnd: false };
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
        await this.intake.bridgeGap(walk, error);
        return connector.changes!({ connectionId, cursor: null, since: error.since, now }, options);
      }
    });
  }

  private async take(walk: Walk, { events, cursor, more }: ChangesPage, progress: Progress): Promise<void> {
    const fresh = await this.intake.take(walk, progress, events, cursor);
    progress.position = cursor;
    progress.atEnd = !more;
    progress.fresh.push(
      ...fresh.map(({ type, occurredAt, record }) => ({ type, occurredAt, resource: record.resource })),
    );
  }
}
