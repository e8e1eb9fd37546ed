import { Inject, Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { SyncDatabase } from '../entities/sync.database.js';
import { HandlerRegistry } from '../handlers/handler.registry.js';
import { HydrationService } from '../hydrate/hydration.service.js';
import { Telemetry, type PassReport } from '../observe/telemetry.js';
import { SyncClock } from '../sync.clock.js';
import { ResolvedSyncOptions } from '../sync.options.js';
import { FencedTransaction } from './fenced-transaction.js';
import { HandlerCaller } from './handler-call.js';
import { Ledger, type LedgerRules, type Step } from './ledger.js';
import { LeaseService } from './lease.service.js';
import { ParentsService, type Lineage } from './parents.service.js';
import { PassAccount } from './pass-account.js';
import { CommitUnknownError, LeaseLostError } from './process.errors.js';
import { ReadingService, type Reading } from './reading.service.js';
import { SetbackService } from './setback.service.js';
import { allDead, givenBack, settleOf, type Settlement } from './settlement.js';
import { withinTime } from './within-time.js';
import { StartService } from './start.service.js';
import { storedState } from './record-state.js';
import type { RecordState, Work } from './work.js';

/** So many workers have not come back from this record: no other is sent. */
const MOST_STARTS = 5;

/** How long a child waits for a parent that another worker has in hand. */
const PARENT_RETRY_MS = 1_000;

/**
 * One turn over one record: its waiting events, one read, its handlers, settle.
 *
 *     claimed ─► read the record ─► parents there? ─► each handler, in a transaction of its own ─► settled, released
 *                     │ not now          │ not yet          │ failed: its mark says when again
 *                     └──────────────────┴──► given back: the events wait, the lease goes
 */
@Injectable()
export class PassService {
  /** Aborted when the application stops: handlers see it as their context's signal. */
  private readonly stopping = new AbortController();

  constructor(
    private readonly database: SyncDatabase,
    private readonly registry: HandlerRegistry,
    private readonly leases: LeaseService,
    private readonly hydration: HydrationService,
    private readonly reading: ReadingService,
    private readonly parents: ParentsService,
    private readonly transactions: FencedTransaction,
    private readonly setback: SetbackService,
    private readonly starts: StartService,
    private readonly telemetry: Telemetry,
    private readonly clock: SyncClock,
    @Inject(ResolvedSyncOptions) private readonly options: ResolvedSyncOptions,
  ) {}

  /**
   * Runs the pass over a claimed record, and ends its lease. What handlers throw is written down, not thrown.
   * @throws what keeps it from being written down: the database is away.
   */
  async run(work: Work, lineage: Lineage = []): Promise<PassReport> {
    const account = new PassAccount(work, this.clock.now());
    try {
      await this.turn(work, account, [...lineage, work.record.recordKey.toString('hex')]);
    } catch (error) {
      // Someone else has the record: this pass has nothing more to say.
      if (!(error instanceof LeaseLostError)) throw error;
    } finally {
      this.leases.letGo(work.record);
    }
    const report = account.report(this.clock.now());
    if (account.released) this.telemetry.passSettled(report);
    account.alarms().forEach((alarm) => this.telemetry.alarm(alarm));
    return report;
  }

  /** Asks running handlers to come to an end. */
  stop(): void {
    this.stopping.abort();
  }

  private async turn(work: Work, account: PassAccount, lineage: Lineage): Promise<void> {
    if (work.events.length === 0) return this.leases.release(work.record);
    if (work.record.starts > MOST_STARTS) {
      const error = `${MOST_STARTS} workers have not come back from it`;
      return this.write(work, allDead(work, 'process', 'crashed', error), account);
    }

    const rules = this.rulesFor(work);
    const reading = await this.read(work, rules, account);
    if (reading.outcome === 'not-known') {
      account.overDeleteCap = reading.overCap ?? false;
      return this.write(work, reading.settlement, account);
    }
    account.version = reading.state.version;

    const ledger = new Ledger(work, rules, reading.state);
    if (!(await this.parentsReady(work, ledger, reading.state, lineage))) {
      const inMs = PARENT_RETRY_MS * (0.5 + this.clock.random());
      return this.write(work, givenBack(work, 'parent', inMs), account);
    }
    await this.callHandlers(work, ledger, reading, account);
  }

  private async read(work: Work, rules: LedgerRules, account: PassAccount): Promise<Reading> {
    const { wantsData } = new Ledger(work, rules, storedState(work.record));
    if (!wantsData || !this.hydration.isFetchable(work.record.key)) return this.reading.unread(work);
    account.fetches += 1;
    return this.reading.read(work, rules.retry);
  }

  private parentsReady(
    work: Work,
    ledger: Ledger,
    { data }: RecordState,
    lineage: Lineage,
  ): Promise<boolean> {
    const required = data === null ? [] : ledger.requiredFor(data);
    if (required.length === 0) return Promise.resolve(true);
    return this.parents.ready(work.record.key, required, lineage, (parent) => this.run(parent, lineage));
  }

  private async callHandlers(
    work: Work,
    ledger: Ledger,
    reading: Reading & { outcome: 'known' },
    account: PassAccount,
  ): Promise<void> {
    // What was not fetched is not saved.
    const state = reading.fetched ? reading.state : undefined;
    const caller = new HandlerCaller(work, reading.state, this.stopping.signal);
    for (let step = ledger.next(); step; step = ledger.next()) {
      try {
        ledger.assertCallable(step);
        await this.callHandler(step, caller, work, state, ledger, account);
        account.calls += 1;
      } catch (error) {
        if (error instanceof LeaseLostError || error instanceof CommitUnknownError) throw error;
        account.failures += 1;
        ledger.fail(step, error);
        await this.settle(work, state, ledger, account);
      }
    }
    if (!account.released) await this.settle(work, state, ledger, account);
  }

  private async callHandler(
    step: Step,
    caller: HandlerCaller,
    work: Work,
    state: RecordState | undefined,
    ledger: Ledger,
    account: PassAccount,
  ): Promise<void> {
    const timeoutMs = step.handler.options.timeoutMs ?? this.options.handlerTimeoutMs;
    if (step.handler.options.transaction !== 'none') {
      return this.settle(work, state, ledger, account, timeoutMs, async (manager) => {
        await caller.call(step, timeoutMs, manager);
        ledger.succeed(step);
      });
    }
    // The state is saved first; then no row is locked and no connection held while the handler is out.
    await this.transactions.run({ record: work.record, state }, () => undefined);
    await withinTime(timeoutMs, caller.call(step, timeoutMs, undefined));
    ledger.succeed(step);
    try {
      await this.settle(work, state, ledger, account);
    } catch (error) {
      if (error instanceof LeaseLostError && step.kind === 'change')
        await this.setback.setBack(work, step.handler);
      throw error;
    }
  }

  /** One transaction: fence and save, the handler's work if any, and what follows from it. */
  private async settle(
    work: Work,
    state: RecordState | undefined,
    ledger: Ledger,
    account: PassAccount,
    timeoutMs?: number,
    handler?: (manager: EntityManager) => Promise<void>,
  ): Promise<void> {
    let settlement: Settlement | undefined;
    const settle = () => settleOf(this.database, work, (settlement = ledger.settlement()));
    await this.transactions.run({ record: work.record, state }, settle, handler, timeoutMs);
    ledger.saved(settlement!);
    account.committed(settlement!);
  }

  /** Ends the pass with no handler called. */
  private async write(work: Work, settlement: Settlement, account: PassAccount): Promise<void> {
    await this.transactions.run({ record: work.record }, () => settleOf(this.database, work, settlement));
    account.committed(settlement);
  }

  private rulesFor({ record }: Work): LedgerRules {
    const { source, resource } = record.key;
    const { maxAttempts, backoffMs } = this.options.sources[source]!;
    return {
      changeHandlers: this.registry.changeHandlers(source, resource),
      eventHandlers: (type) => this.registry.eventHandlers(source, type),
      startAt: this.starts.startOf(source),
      nowMs: this.clock.now(),
      retry: {
        maxAttempts,
        backoffMs: (attempt) => backoffMs(attempt) * (0.9 + this.clock.random() / 5),
      },
    };
  }
}
