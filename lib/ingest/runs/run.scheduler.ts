import { Inject, Injectable, Logger } from '@nestjs/common';
import { SyncSchedulerRegistry } from '../../dispatch/sync.scheduler-registry.js';
import { UnderWay } from '../../dispatch/under-way.js';
import { SyncClock } from '../../sync.clock.js';
import { ResolvedSyncOptions } from '../../sync.options.js';
import { ListingWalker } from '../listing/listing.walker.js';
import type { RunKind } from '../../model/run.js';
import { BackfillService } from './backfill.service.js';
import { ProjectService } from './project.service.js';
import { ReconcileService } from './reconcile.service.js';
import { RunLostError, RunService, type HeldRun } from './run.service.js';

const INTERVAL = 'runs';

/** Runs that this process works on at once. */
const MOST_RUNS = 4;

/** After something that should not have happened: the database was away, say. */
const RETRY_MS = 5_000;

/** Looks for runs that are due, whichever process has begun them, and goes on with them. */
@Injectable()
export class RunScheduler {
  private readonly logger = new Logger(RunScheduler.name);
  private readonly underWay = new UnderWay();
  private readonly workers: Readonly<Record<RunKind, { work(run: HeldRun): Promise<void> }>>;
  private working = 0;
  private claiming = false;

  constructor(
    private readonly registry: SyncSchedulerRegistry,
    private readonly runs: RunService,
    backfills: BackfillService,
    reconciliations: ReconcileService,
    projections: ProjectService,
    private readonly walker: ListingWalker,
    private readonly clock: SyncClock,
    @Inject(ResolvedSyncOptions) private readonly options: ResolvedSyncOptions,
  ) {
    this.workers = { backfill: backfills, reconcile: reconciliations, project: projections };
  }

  start(): void {
    const everyMs = this.options.sweepEveryMs * (0.9 + this.clock.random() / 5);
    this.registry.addInterval(
      INTERVAL,
      setInterval(() => void this.look(), everyMs),
    );
  }

  async stop(drainMs: number): Promise<void> {
    this.walker.stopping = true;
    if (this.registry.doesExist('interval', INTERVAL)) this.registry.deleteInterval(INTERVAL);
    await this.underWay.endsWithin(drainMs);
  }

  /** Begins to work on what is due. */
  async look(): Promise<void> {
    if (this.claiming) return;
    this.claiming = true;
    const claims = this.claimAll().catch((error: unknown) => this.complain(error));
    await this.underWay.follow(claims).finally(() => (this.claiming = false));
  }

  private async claimAll(): Promise<void> {
    while (this.working < MOST_RUNS && !this.walker.stopping) {
      const run = await this.runs.claim();
      if (!run) return;
      this.working += 1;
      void this.underWay.follow(this.work(run)).finally(() => (this.working -= 1));
    }
  }

  private async work(run: HeldRun): Promise<void> {
    try {
      await this.workers[run.kind].work(run);
    } catch (error) {
      // Paused, cancelled, or taken over.
      if (error instanceof RunLostError) return;
      this.complain(error);
      await this.runs.putOff(run, RETRY_MS).catch((again: unknown) => this.complain(again));
    }
  }

  private complain(error: unknown): void {
    this.logger.error(`a run failed: ${error instanceof Error ? error.message : String(error)}`);
  }
}
