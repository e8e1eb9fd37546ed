import { Inject, Injectable, Logger } from '@nestjs/common';
import { SyncSchedulerRegistry } from '../../dispatch/sync.scheduler-registry.js';
import { UnderWay } from '../../dispatch/under-way.js';
import { DEFAULT_CONNECTION, type ConnectionKey } from '../../model/record.js';
import { StartService } from '../../process/start.service.js';
import { SyncClock } from '../../sync.clock.js';
import { ResolvedSyncOptions } from '../../sync.options.js';
import { untilNextMs } from '../cron.js';
import { ReconcileService } from './reconcile.service.js';
import { RunService } from './run.service.js';

const INTERVAL = 'reconcile';

/**
 * Begins reconciliations at their time: the next one after the last that was begun, by whichever process. One that nobody
 * was there for is made up for.
 */
@Injectable()
export class ReconciliationScheduler {
  private readonly logger = new Logger(ReconciliationScheduler.name);
  private readonly underWay = new UnderWay();
  private looking = false;

  constructor(
    private readonly registry: SyncSchedulerRegistry,
    private readonly reconciliations: ReconcileService,
    private readonly runs: RunService,
    private readonly starts: StartService,
    private readonly clock: SyncClock,
    @Inject(ResolvedSyncOptions) private readonly options: ResolvedSyncOptions,
  ) {}

  start(): void {
    if (this.scheduled().length === 0) return;
    const everyMs = this.options.sweepEveryMs * (0.9 + this.clock.random() / 5);
    this.registry.addInterval(
      INTERVAL,
      setInterval(() => this.look(), everyMs),
    );
  }

  async stop(drainMs: number): Promise<void> {
    if (this.registry.doesExist('interval', INTERVAL)) this.registry.deleteInterval(INTERVAL);
    await this.underWay.endsWithin(drainMs);
  }

  private scheduled(): ConnectionKey[] {
    return Object.entries(this.options.sources).flatMap(([source, { connector, reconcile }]) => {
      if (!reconcile) return [];
      return (connector.pollable ?? [DEFAULT_CONNECTION]).map((connectionId) => ({ source, connectionId }));
    });
  }

  private look(): void {
    if (this.looking) return;
    this.looking = true;
    const failed = (error: unknown) =>
      this.logger.error(`reconciling failed: ${error instanceof Error ? error.message : String(error)}`);
    void this.underWay.follow(this.beginDue().catch(failed)).finally(() => (this.looking = false));
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
