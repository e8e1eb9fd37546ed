import { Injectable } from '@nestjs/common';
import { IdempotencyService } from '../../inbox/idempotency.service.js';
import { InboxService } from '../../inbox/inbox.service.js';
import { ComparisonService } from '../listing/comparison.service.js';
import { ListingTargets, PERIOD_KINDS, type ListingTarget } from './listing.targets.js';
import { SyncClock } from '../../sync.clock.js';
import { RunPhases } from './run.phases.js';
import { newProgress } from './run.progress.js';
import { RunService } from './run.service.js';
import type { HeldRun } from './run.js';

/** Which records to read again. */
export interface BackfillOptions extends ListingTarget {
  /** Created at that time or later. @default all that there are */
  from?: Date;
  /** Created before that time. @default now */
  to?: Date;
}

/** Reads whole listings, so that change handlers and mirrors know every record. */
@Injectable()
export class BackfillService {
  constructor(
    private readonly runs: RunService,
    private readonly targets: ListingTargets,
    private readonly phases: RunPhases,
    private readonly comparisons: ComparisonService,
    private readonly idempotency: IdempotencyService,
    private readonly inbox: InboxService,
    private readonly clock: SyncClock,
  ) {}

  /** @returns the run's id @throws RangeError for what cannot be meant; no run is begun then */
  begin(options: BackfillOptions): Promise<string> {
    const { connection, resources } = this.targets.listing(
      'backfill',
      this.targets.checked('backfill', options, PERIOD_KINDS),
    );
    const { from, to } = options;
    const progress = newProgress(resources, {
      from: from?.getTime() ?? null,
      to: to?.getTime() ?? null,
      now: this.clock.now(),
    });
    return this.runs.create('backfill', connection, progress);
  }

  /** Goes on with a run for as long as something can be done. @throws RunLostError */
  work(run: HeldRun): Promise<void> {
    return this.phases.carryOut(run, ({ place, records, ticket }) => async (query) => {
      const { different } = await this.comparisons.compare(query, place, records);
      const rows = different.map(({ record, listed: { data } }) => {
        const body = data === null ? undefined : { data, ticket };
        return this.idempotency.derivedRow(record, 'backfill', run.id, body);
      });
      return this.inbox.acceptWithin(query, rows);
    });
  }
}
