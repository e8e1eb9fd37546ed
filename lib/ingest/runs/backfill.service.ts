import { Inject, Injectable } from '@nestjs/common';
import { IdempotencyService } from '../../inbox/idempotency.service.js';
import { InboxService } from '../../inbox/inbox.service.js';
import { ComparisonService } from '../listing/comparison.service.js';
import { ListingWalker } from '../listing/listing.walker.js';
import { ListingTargets, type ListingTarget } from './listing.targets.js';
import { SyncClock } from '../../sync.clock.js';
import { RunEventsService } from './run-events.service.js';
import { newProgress } from './run.progress.js';
import { RunService, type HeldRun } from './run.service.js';

/** Which records to read again. */
export interface BackfillOptions extends ListingTarget {
  /** Created at that time or later. @default all that there are */
  from?: Date;
  /** Created before that time. @default now */
  to?: Date;
}

/** How soon to look whether a run's last events are done. */
const LOOK_AGAIN_MS = 200;

/** Reads whole listings, so that change handlers and mirrors know every record. */
@Injectable()
export class BackfillService {
  constructor(
    private readonly runs: RunService,
    private readonly targets: ListingTargets,
    private readonly walker: ListingWalker,
    private readonly comparisons: ComparisonService,
    private readonly idempotency: IdempotencyService,
    private readonly inbox: InboxService,
    private readonly events: RunEventsService,
    @Inject(SyncClock) private readonly clock: SyncClock,
  ) {}

  /** @returns the run's id @throws RangeError for what cannot be meant; no run is begun then */
  begin(options: BackfillOptions): Promise<string> {
    const { connection, resources } = this.targets.listing('backfill', options, ['from', 'to']);
    const { from, to } = options;
    const progress = newProgress(resources, {
      from: from?.getTime() ?? null,
      to: to?.getTime() ?? null,
      now: this.clock.now(),
    });
    return this.runs.create('backfill', connection, progress);
  }

  /** Goes on with a run for as long as something can be done. @throws RunLostError */
  async work(run: HeldRun): Promise<void> {
    const waitMs = await this.walker.walk(run, async (query, { place, records, ticket }) => {
      const { different } = await this.comparisons.compare(query, place, records);
      const rows = different.map(({ record, listed: { data } }) => {
        const body = data !== null && ticket !== null ? { data, ticket } : undefined;
        return this.idempotency.derivedRow(record, 'backfill', run.id, body);
      });
      return this.inbox.acceptWithin(query, rows);
    });
    if (waitMs !== null) return this.runs.putOff(run, waitMs);
    const { underWay, dead } = await this.events.unfinished(run);
    if (underWay > 0) return this.runs.putOff(run, LOOK_AGAIN_MS);
    const now = await this.runs.find(run.id);
    const failed = Object.values(now!.progress).some(({ state }) => state === 'failed');
    await this.runs.finish(run, failed || dead > 0 ? 'failed' : 'completed');
  }
}
