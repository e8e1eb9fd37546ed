import { Inject, Injectable, Logger } from '@nestjs/common';
import { WaitingEventsService } from '../inbox/waiting-events.service.js';
import { Telemetry } from '../observe/telemetry.js';
import { LeaseService } from '../process/lease.service.js';
import { SyncClock } from '../sync.clock.js';
import { ResolvedSyncOptions } from '../sync.options.js';
import { Dispatcher } from './dispatcher.js';
import { SyncSchedulerRegistry } from './sync.scheduler-registry.js';

const STUCK_CHECK_EVERY_MS = 60_000;

/** What time drives: looking for due events that no nudge announced, renewing leases, noticing what is stuck. */
@Injectable()
export class SweepScheduler {
  private readonly logger = new Logger(SweepScheduler.name);

  constructor(
    private readonly registry: SyncSchedulerRegistry,
    private readonly dispatcher: Dispatcher,
    private readonly leases: LeaseService,
    private readonly waiting: WaitingEventsService,
    private readonly telemetry: Telemetry,
    private readonly clock: SyncClock,
    @Inject(ResolvedSyncOptions) private readonly options: ResolvedSyncOptions,
  ) {}

  start(): void {
    this.every('sweep', this.options.sweepEveryMs, () => this.dispatcher.sweep());
    this.every('renew-leases', this.options.leaseMs / 3, () => this.leases.renewHeld());
    this.every('stuck', STUCK_CHECK_EVERY_MS, () => this.reportStuck());
  }

  stop(): void {
    for (const name of this.registry.getIntervals()) this.registry.deleteInterval(name);
  }

  /** Raises an alarm for each connection with events that have waited for too long. */
  async reportStuck(): Promise<void> {
    for (const {
      source,
      connectionId,
      count,
      oldestId,
      oldestAgeMs,
      waitReason,
    } of await this.waiting.stuck()) {
      const message =
        `${source}/${connectionId}: ${count} event(s) wait for longer than ${this.options.stuckAfterMs} ms, the oldest ` +
        `for ${Math.round(oldestAgeMs)} ms (${waitReason ?? 'not yet looked at'}). SyncService.explain() says more.`;
      this.telemetry.alarm({ kind: 'stuck', source, connectionId, message, eventIds: [oldestId] });
    }
  }

  /** With jitter, so that processes which boot together do not sweep together. */
  private every(name: string, everyMs: number, work: () => Promise<void>): void {
    const jitteredMs = everyMs * (0.9 + this.clock.random() / 5);
    const run = () =>
      void work().catch((error: unknown) =>
        this.logger.error(`${name} failed: ${error instanceof Error ? error.message : String(error)}`),
      );
    this.registry.addInterval(name, setInterval(run, jitteredMs));
  }
}
