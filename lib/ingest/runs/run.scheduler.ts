import { Inject, Injectable } from '@nestjs/common';
import { RecurringWork } from '../../dispatch/recurring-work.js';
import { WakeUps } from '../../dispatch/wake-ups.js';
import { SyncSchedulerRegistry } from '../../dispatch/sync.scheduler-registry.js';
import { SyncClock } from '../../sync.clock.js';
import { ResolvedSyncOptions } from '../../sync.options.js';
import type { RunKind } from '../../model/run.js';
import { BackfillService } from './backfill.service.js';
import { ProjectService } from './project.service.js';
import { ReconcileService } from './reconcile.service.js';
import { RunWalker } from './run.walker.js';
import { RunLostError, RunService } from './run.service.js';
import type { HeldRun } from './run.js';

/** Runs that this process works on at once. */
const MOST_RUNS = 4;

const WAKE_EVERY_MS = 50;

/** After something that should not have happened: the database was away, say. */
const RETRY_MS = 5_000;

/** Looks for runs that are due, whichever process has begun them, and goes on with them. */
@Injectable()
export class RunScheduler {
  private readonly ticks: RecurringWork;
  private readonly workers: Readonly<Record<RunKind, { work(run: HeldRun): Promise<void> }>>;
  /** When runs that this process has worked on can be gone on with, which is sooner than the next tick. */
  private readonly wakeUps = new WakeUps(WAKE_EVERY_MS, () => void this.look());
  private working = 0;
  private works = false;

  constructor(
    registry: SyncSchedulerRegistry,
    private readonly runs: RunService,
    backfills: BackfillService,
    reconciliations: ReconcileService,
    projections: ProjectService,
    private readonly walker: RunWalker,
    clock: SyncClock,
    @Inject(ResolvedSyncOptions) private readonly options: ResolvedSyncOptions,
  ) {
    this.ticks = new RecurringWork('runs', registry, clock, () => this.claimAll());
    this.workers = {
      backfill: backfills,
      reconcile: reconciliations,
      'reconcile-log': reconciliations,
      project: projections,
    };
  }

  start(): void {
    this.works = true;
    this.ticks.start(this.options.sweepEveryMs);
  }

  async stop(drainMs: number): Promise<void> {
    this.works = false;
    this.walker.stopping = true;
    this.wakeUps.clear();
    await this.ticks.stop(drainMs);
  }

  /** Begins to work on what is due, if this process works on runs. */
  async look(): Promise<void> {
    if (this.works) await this.ticks.begin();
  }

  private async claimAll(): Promise<void> {
    while (this.working < MOST_RUNS && !this.walker.stopping) {
      const run = await this.runs.claim();
      if (!run) return;
      this.working += 1;
      void this.ticks.follow(this.workAndComeBack(run));
    }
  }

  /** Comes back when the run can be gone on with; to another one, if this one has come to its end. */
  private async workAndComeBack(run: HeldRun): Promise<void> {
    try {
      await this.work(run);
    } finally {
      this.working -= 1;
      const dueInMs = (await this.runs.dueInMs(run.id)) ?? 0;
      if (this.works && dueInMs < this.options.sweepEveryMs) this.wakeUps.in(dueInMs);
    }
  }

  private async work(run: HeldRun): Promise<void> {
    try {
      await this.workers[run.kind].work(run);
    } catch (error) {
      // Paused, cancelled, or taken over.
      if (error instanceof RunLostError) return;
      await this.runs.putOff(run, RETRY_MS).catch(() => undefined);
      throw error;
    }
  }
}
