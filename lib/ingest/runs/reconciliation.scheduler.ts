import { Inject, Injectable } from '@nestjs/common';
import { RecurringWork } from '../../dispatch/recurring-work.js';
import { SyncSchedulerRegistry } from '../../dispatch/sync.scheduler-registry.js';
import { DEFAULT_CONNECTION, type ConnectionKey } from '../../model/record.js';
import { StartService } from '../../process/start.service.js';
import { SyncClock } from '../../sync.clock.js';
import { ResolvedSyncOptions } from '../../sync.options.js';
import { untilNextMs } from '../cron.js';
import { ReconcileService } from './reconcile.service.js';
import { RunService } from './run.service.js';

/**
 * Begins reconciliations at their time: the next one after the last that was begun, by whichever process. One that nobody
 * was there for is made up for.
 */
@Injectable()
export class ReconciliationScheduler {
  private readonly ticks: RecurringWork;

  constructor(
    registry: SyncSchedulerRegistry,
    private readonly reconciliations: ReconcileService,
    private readonly runs: RunService,
    private readonly starts: StartService,
    private readonly clock: SyncClock,
    @Inject(ResolvedSyncOptions) private readonly options: ResolvedSyncOptions,
  ) {
    this.ticks = new RecurringWork('reconcile', registry, clock, () => this.beginDue());
  }

  start(): void {
    if (this.scheduled().length > 0) this.ticks.start(this.options.sweepEveryMs);
  }

  stop(drainMs: number): Promise<void> {
    return this.ticks.stop(drainMs);
  }

  private scheduled(): ConnectionKey[] {
    return Object.entries(this.options.sources).flatMap(([source, { connector, reconcile }]) => {
      if (!reconcile) return [];
      return (connector.pollable ?? [DEFAULT_CONNECTION]).map((connectionId) => ({ source, connectionId }));
    });
  }

  private async beginDue(): Promise<void> {
    for (const connection of this.scheduled()) {
      const { cron, resources } = this.options.sources[connection.source]!.reconcile!;
      const now = this.clock.now();
      const ago = await this.runs.lastStartAgoMs('reconcile', connection);
      // Before the first one: from the first boot on.
      const last = ago === null ? this.starts.firstBootOf(connection.source).getTime() : now - ago;
      const dueInMs = last + untilNextMs(cron, last) - now;
      if (dueInMs <= 0) await this.reconciliations.beginOnce(connection, -dueInMs, resources);
    }
  }
}
