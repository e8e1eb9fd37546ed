import { Inject, Injectable } from '@nestjs/common';
import { RecurringWork } from '../../dispatch/recurring-work.js';
import { SyncSchedulerRegistry } from '../../dispatch/sync.scheduler-registry.js';
import { DEFAULT_CONNECTION, type ConnectionKey } from '../../model/record.js';
import { StartService } from '../../process/start.service.js';
import { SyncClock } from '../../sync.clock.js';
import { ResolvedSyncOptions } from '../../sync.options.js';
import type { ReconcilePolicy } from '../../sync.source.options.js';
import { untilNextMs } from '../cron.js';
import { ReconcileService } from './reconcile.service.js';
import { RunScheduler } from './run.scheduler.js';
import { RunHistoryService } from './run-history.service.js';

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
    private readonly history: RunHistoryService,
    private readonly runners: RunScheduler,
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

  private scheduled(): { connection: ConnectionKey; policy: ReconcilePolicy }[] {
    return Object.entries(this.options.sources).flatMap(([source, { connector, reconcile }]) => {
      const connections = connector.pollable ?? [DEFAULT_CONNECTION];
      return reconcile.flatMap((policy) =>
        connections.map((connectionId) => ({ connection: { source, connectionId }, policy })),
      );
    });
  }

  private async beginDue(): Promise<void> {
    for (const { connection, policy } of this.scheduled()) {
      const now = this.clock.now();
      const kind = policy.depth === 'log' ? 'reconcile-log' : 'reconcile';
      const ago = await this.history.lastAgoMs(kind, connection);
      // Before the first one: from the first boot on.
      const last = ago === null ? this.starts.firstBootOf(connection.source).getTime() : now - ago;
      const dueInMs = last + untilNextMs(policy.cron, last) - now;
      if (dueInMs <= 0 && (await this.reconciliations.beginOnce(connection, -dueInMs, policy)))
        await this.runners.look();
    }
  }
}
