import { Injectable } from '@nestjs/common';
import { SyncDatabase } from '../../database/sync.database.js';
import { IdempotencyService } from '../../inbox/idempotency.service.js';
import { InboxService } from '../../inbox/inbox.service.js';
import { recordKeyOf } from '../../model/keys.js';
import { showAgainStatement } from '../../process/mark.statements.js';
import { SyncClock } from '../../sync.clock.js';
import { ListingTargets } from './listing.targets.js';
import { RunPhases } from './run.phases.js';
import { newProgress } from './run.progress.js';
import { RunService } from './run.service.js';
import type { HeldRun } from './run.js';

/** Which handler to show records again. */
export interface ProjectOptions {
  /** A change handler or mirror, by its name or a former one. */
  handler: string;
  /** @default 'default' */
  connectionId?: string;
  /** Records created at that time or later. @default all that there are */
  from?: Date;
  /** Created before that time. @default now */
  to?: Date;
}

/** Shows every record to one handler, which others do not notice. */
@Injectable()
export class ProjectService {
  constructor(
    private readonly database: SyncDatabase,
    private readonly runs: RunService,
    private readonly targets: ListingTargets,
    private readonly phases: RunPhases,
    private readonly idempotency: IdempotencyService,
    private readonly inbox: InboxService,
    private readonly clock: SyncClock,
  ) {}

  /** @returns the run's id @throws RangeError for what cannot be meant; no run is begun then */
  begin(options: ProjectOptions): Promise<string> {
    const { connection, resources, handler } = this.targets.ofHandler('project', options);
    const { from, to } = options;
    const progress = newProgress(resources, {
      from: from?.getTime() ?? null,
      to: to?.getTime() ?? null,
      now: this.clock.now(),
    });
    return this.runs.create('project', connection, progress, { handler });
  }

  /** Goes on with a run for as long as something can be done. @throws RunLostError */
  work(run: HeldRun): Promise<void> {
    return this.phases.carryOut(run, ({ place, records, ticket }) => async (query) => {
      if (records.length === 0) return [];
      const keys = records.map(({ id }) => recordKeyOf({ ...place, id }));
      const { sql, params } = showAgainStatement(this.database, keys, [run.request.handler!]);
      await query(sql, params);
      const rows = records.map(({ id, data }) => {
        const body = data === null ? undefined : { data, ticket };
        return this.idempotency.derivedRow({ ...place, id }, 'project', run.id, body);
      });
      return this.inbox.acceptWithin(query, rows);
    });
  }
}
