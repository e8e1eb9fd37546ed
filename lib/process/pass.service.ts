import { Inject, Injectable } from '@nestjs/common';
import { HandlerRegistry } from '../handlers/handler.registry.js';
import { HydrationService } from '../hydrate/hydration.service.js';
import { PassTraffic } from '../hydrate/pass-traffic.js';
import { Telemetry, type PassReport } from '../observe/telemetry.js';
import { PauseService } from '../inbox/pause.service.js';
import { isEventRecord } from '../model/record.js';
import { SyncClock } from '../sync.clock.js';
import { ResolvedSyncOptions } from '../sync.options.js';
import { FencedTransaction } from './fenced-transaction.js';
import { HandlingService } from './handling.service.js';
import { Ledger } from './ledger.js';
import { LeaseService } from './lease.service.js';
import { ParentsService, type Lineage } from './parents.service.js';
import { PassAccount } from './pass-account.js';
import { LeaseLostError } from './process.errors.js';
import { ReadingService, type Reading } from './reading.service.js';
import { allDead, givenBack, type Settlement } from './settlement.js';
import { Standings, type LedgerRules } from './standings.js';
import { SetbackService } from './setback.service.js';
import { StartService } from './start.service.js';
import { storedState } from './record-state.js';
import type { ClaimedRecord, RecordState, Work } from './work.js';

/** So many workers have not come back from this record: no other is sent. */
const MOST_STARTS = 5;

/**
 * One turn over one record: its waiting events, one read, its handlers, settle.
 *
 *     claimed ─► read the record ─► parents there? ─► each handler, in a transaction of its own ─► settled, released
 *                     │ not now          │ not yet          │ failed: its mark says when again
 *                     └──────────────────┴──► given back: the events wait, the lease goes
 */
@Injectable()
export class PassService {
  private ended: (record: ClaimedRecord) => void = () => undefined;

  constructor(
    private readonly registry: HandlerRegistry,
    private readonly leases: LeaseService,
    private readonly hydration: HydrationService,
    private readonly traffic: PassTraffic,
    private readonly reading: ReadingService,
    private readonly parents: ParentsService,
    private readonly transactions: FencedTransaction,
    private readonly handling: HandlingService,
    private readonly setbacks: SetbackService,
    private readonly starts: StartService,
    private readonly pauses: PauseService,
    private readonly telemetry: Telemetry,
    private readonly clock: SyncClock,
    @Inject(ResolvedSyncOptions) private readonly options: ResolvedSyncOptions,
  ) {}

  /** Called when a pass has ended and its lease is gone: events may have come that nobody could claim meanwhile. */
  onEnded(listener: (record: ClaimedRecord) => void): void {
    this.ended = listener;
  }

  /**
   * Runs the pass over a claimed record, and ends its lease. What handlers throw is written down, not thrown.
   * @throws what keeps it from being written down: the database is away.
   */
  async run(work: Work, lineage: Lineage = []): Promise<PassReport> {
    const account = new PassAccount(work, this.clock.now());
    // A parent's pass runs in the place of its child's, which waits for it.
    const isOwn = lineage.length === 0;
    if (isOwn) this.traffic.running += 1;
    try {
      await this.turn(work, account, [...lineage, work.record.recordKey.toString('hex')]);
    } catch (error) {
      // Someone else has the record: this pass has nothing more to say.
      if (!(error instanceof LeaseLostError)) throw error;
      // It was slow, and not killed by what nobody has seen yet.
      if (!account.hasCalled) await this.leases.comeBack(work.record);
    } finally {
      if (isOwn) this.traffic.running -= 1;
      this.leases.letGo(work.record);
    }
    this.ended(work.record);
    const report = account.report(this.clock.now());
    if (account.released) this.telemetry.passSettled(report);
    const alarm = account.alarm();
    if (alarm) this.telemetry.alarm(alarm);
    return report;
  }

  /** Writes down what of earlier passes could not be, since the database was away. */
  async catchUp(): Promise<void> {
    await this.setbacks.setBackLeftOver();
    await this.leases.releaseLeftOver();
  }

  /** Begins no handler any more: what is under way comes to its end, the rest is given back. */
  drain(): void {
    this.handling.draining = true;
  }

  /** Asks running handlers to come to an end, and waits for them no longer. */
  async stop(): Promise<void> {
    await this.handling.stop();
  }

  private async turn(work: Work, account: PassAccount, lineage: Lineage): Promise<void> {
    if (work.events.length === 0 || this.handling.draining) return this.leases.release(work.record);
    if (work.record.starts > MOST_STARTS) {
      const error = `${MOST_STARTS} workers have not come back from it`;
      return this.write(work, allDead(work, 'process', 'crashed', error), account);
    }

    const rules = await this.rulesFor(work);
    const reading = await this.read(work, rules, account);
    if (reading.outcome === 'not-known') return this.write(work, reading.settlement, account);
    account.version = reading.state.version;

    const ledger = new Ledger(work, rules, reading.state);
    const waitMs = await this.waitForParentsMs(work, ledger, reading.state, lineage);
    if (waitMs > 0) return this.write(work, givenBack(work, 'parent', waitMs), account);
    await this.handling.handle(work, reading, ledger, account);
    const paused = account.waitingFor('paused');
    if (paused.length > 0) await this.pauses.reopenIfResumed(paused, rules.paused);
  }

  private async read(work: Work, rules: LedgerRules, account: PassAccount): Promise<Reading> {
    const { wantsData } = new Standings(work, rules, storedState(work.record));
    const { key } = work.record;
    if (!wantsData || isEventRecord(key) || !this.hydration.isFetchable(key))
      return this.reading.unread(work);
    const listed = this.reading.listed(work);
    if (listed) return listed;
    const held = this.reading.heldBack(work);
    if (held) return held;
    const outlisted = await this.reading.outlisted(work);
    if (outlisted) return outlisted;
    account.fetches += 1;
    return this.reading.read(work, rules.retry);
  }

  private waitForParentsMs(
    work: Work,
    ledger: Ledger,
    { data }: RecordState,
    lineage: Lineage,
  ): Promise<number> {
    const required = data === null ? [] : ledger.requiredFor(data);
    if (required.length === 0) return Promise.resolve(0);
    return this.parents.waitMs(work.record.key, required, lineage, (parent) => this.run(parent, lineage));
  }

  /** Ends the pass with no handler called. */
  private async write(work: Work, settlement: Settlement, account: PassAccount): Promise<void> {
    await this.transactions.run([{ work, settle: () => settlement }]);
    account.committed(settlement);
  }

  private async rulesFor({ record }: Work): Promise<LedgerRules> {
    const { source, resource } = record.key;
    const { maxAttempts, backoffMs, handlers } = this.options.sources[source]!;
    return {
      changeHandlers: this.registry.changeHandlers(source, resource),
      eventHandlers: (type) => this.registry.eventHandlers(source, type),
      startAt: this.starts.startOf(source),
      nowMs: this.clock.now(),
      paused: await this.pauses.pausedHandlers(),
      observes: handlers === 'observe',
      retry: {
        maxAttempts,
        backoffMs: (attempt) => backoffMs(attempt) * (0.9 + this.clock.random() / 5),
      },
    };
  }
}
