import { Inject, Injectable } from '@nestjs/common';
import { OverdueEventsService } from '../inbox/overdue-events.service.js';
import { Telemetry } from '../observe/telemetry.js';
import { LeaseService } from '../process/lease.service.js';
import { UnhandledService } from '../process/unhandled.service.js';
import { SyncClock } from '../sync.clock.js';
import { ResolvedSyncOptions } from '../sync.options.js';
import { Dispatcher } from './dispatcher.js';
import { RecurringWork } from './recurring-work.js';
import { SyncSchedulerRegistry } from './sync.scheduler-registry.js';

/** So often at most a connection's alarms of these kinds are raised, by each process. */
const ALARMS_EVERY_MS = 60_000;

/** Older processes are mostly gone within minutes of a newer one's start. */
const UNHANDLED_EVERY_MS = 60_000;
const UNHANDLED_FOR_MS = 1_800_000;

/** What time drives: looking for due events that no nudge announced, renewing leases, noticing what is stuck or held back. */
@Injectable()
export class SweepScheduler {
  private startedAt = 0;
  private works: readonly RecurringWork[] = [];

  constructor(
    private readonly registry: SyncSchedulerRegistry,
    private readonly dispatcher: Dispatcher,
    private readonly leases: LeaseService,
    private readonly overdue: OverdueEventsService,
    private readonly unhandled: UnhandledService,
    private readonly telemetry: Telemetry,
    private readonly clock: SyncClock,
    @Inject(ResolvedSyncOptions) private readonly options: ResolvedSyncOptions,
  ) {}

  start(): void {
    this.startedAt = this.clock.now();
    const lasting = [
      this.every('sweep', this.options.sweepEveryMs, () => this.dispatcher.sweep()),
      this.every('renew-leases', this.options.leaseMs / 3, () => this.leases.renewHeld()),
      this.every('stuck', ALARMS_EVERY_MS, () => this.reportStuck()),
      this.every('held-back', ALARMS_EVERY_MS, () => this.reportHeldBack()),
    ];
    const unhandled = this.every('unhandled', UNHANDLED_EVERY_MS, () => this.reopenUnhandled());
    this.works = [...lasting, unhandled];
    void unhandled.begin();
  }

  /** Begins nothing more, and resolves when what is under way has come to an end, after `drainMs` at the latest. */
  async stop(drainMs: number): Promise<void> {
    await Promise.all(this.works.map((work) => work.stop(drainMs)));
  }

  /** Raises an alarm for each connection with events that have waited for too long. */
  async reportStuck(): Promise<void> {
    for (const stuck of await this.overdue.stuck()) {
      const { source, connectionId, count, isAtLeast, oldestId, oldestAgeMs, waitReason } = stuck;
      const message =
        `${source}/${connectionId}: ${isAtLeast ? 'at least ' : ''}${count} event(s) wait for longer than ${this.options.stuckAfterMs} ms, the oldest ` +
        `for ${Math.round(oldestAgeMs)} ms (${waitReason ?? 'not yet looked at'}). SyncService.explain() says more.`;
      this.telemetry.alarm({ kind: 'stuck', source, connectionId, message, eventIds: [oldestId] });
    }
  }

  /** Raises an alarm for each connection with deletions that are held back. */
  async reportHeldBack(): Promise<void> {
    for (const { source, connectionId, records, isAtLeast, oldestId } of await this.overdue.heldBack()) {
      const message =
        `${source}/${connectionId}: ${isAtLeast ? 'at least ' : ''}${records} record(s) wait, since more are "not found" than is believable. Is the API ` +
        `key of the right account, and may it read them? Those that are really gone are believed bit by bit.`;
      this.telemetry.alarm({ kind: 'delete-cap', source, connectionId, message, eventIds: [oldestId] });
    }
  }

  /** Soon after the start only: what older processes have settled meanwhile. Later there are none left. */
  private async reopenUnhandled(): Promise<void> {
    if (this.clock.now() - this.startedAt > UNHANDLED_FOR_MS) return;
    if (await this.unhandled.reopen()) await this.dispatcher.sweep();
  }

  private every(name: string, everyMs: number, work: () => Promise<unknown>): RecurringWork {
    const recurring = new RecurringWork(name, this.registry, this.clock, work);
    recurring.start(everyMs);
    return recurring;
  }
}
