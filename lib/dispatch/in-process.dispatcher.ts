import { AsyncLocalStorage } from 'node:async_hooks';
import { Inject, Injectable, Logger } from '@nestjs/common';
import { isConflict, isRefusal } from '../database/database.errors.js';
import { HandlerRegistry } from '../handlers/handler.registry.js';
import { Budget } from '../hydrate/budget.js';
import { HydrationService } from '../hydrate/hydration.service.js';
import { PassTraffic } from '../hydrate/pass-traffic.js';
import { WaitingEventsService } from '../inbox/waiting-events.service.js';
import { LeaseService } from '../process/lease.service.js';
import { PassService } from '../process/pass.service.js';
import type { Work } from '../process/work.js';
import { ResolvedSyncOptions } from '../sync.options.js';
import { Admission } from './admission.js';
import { Dispatcher, dueRecordOf, type DueRecord } from './dispatcher.js';
import { HoldBack } from './hold-back.js';
import { Lanes } from './lanes.js';
import { UnderWay } from './under-way.js';
import { WakeUps } from './wake-ups.js';
import { messageOf } from '../model/message-of.js';

/** Due events that one sweep looks at, of all connections together. */
const SWEEP_EVENTS = 1_000;

/** How often `idle()` asks again while another process has the rest in hand. */
const IDLE_POLL_MS = 20;

/** Passes that end within so long of the last look are looked at together: it costs as much for one as for many. */
const LOOK_EVERY_MS = 20;

/** Records wait at most so long after the last claim beside free places, for others to be claimed with. */
const HOLD_BACK_MS = 50;

/** What becomes due within so long is looked for together. */
const WAKE_EVERY_MS = 100;

/** Runs passes in this process. */
@Injectable()
export class InProcessDispatcher extends Dispatcher {
  private readonly logger = new Logger(InProcessDispatcher.name);
  private readonly complain = (error: unknown): void =>
    this.logger.error(`a pass could not be run or written down: ${messageOf(error)}`);
  private readonly lanes: Lanes;
  /** Records under suspicion of killing workers: run one at a time, with no other beside them. */
  private readonly suspects = new Lanes(1);
  private readonly running = new Map<string, Promise<void>>();
  /** Records whose pass has ended: something may have come meanwhile. */
  private readonly ended = new Map<string, DueRecord>();
  private readonly admission: Admission;
  /** Passes belong to nobody: not to the request that announced them, and not in its transaction or tenant. */
  private readonly detached = AsyncLocalStorage.snapshot();
  private active = false;
  private pumping = false;
  private eager = false;
  private readonly holdBack = new HoldBack(HOLD_BACK_MS, () => {
    this.eager = true;
    this.pump();
  });
  private looking = false;
  private sweeping?: Promise<void>;
  private readonly underWay = new UnderWay();
  private moreInDatabase = false;
  private readonly wakeUps = new WakeUps(WAKE_EVERY_MS, () => this.sweepAgain());

  constructor(
    private readonly leases: LeaseService,
    private readonly passes: PassService,
    private readonly waiting: WaitingEventsService,
    budget: Budget,
    registry: HandlerRegistry,
    hydration: HydrationService,
    traffic: PassTraffic,
    @Inject(ResolvedSyncOptions) private readonly options: ResolvedSyncOptions,
  ) {
    super();
    this.lanes = new Lanes(this.options.maxPasses);
    this.admission = new Admission(budget, registry, hydration, waiting, options, (ms) => this.wakeIn(ms));
    traffic.isComing = () => this.active && (this.pumping || this.lanes.holdsBack);
    // One that ran inside another, as its parent; the others are looked at when their places are free again.
    passes.onEnded((record) => {
      if (!this.running.has(hexOf(record))) this.end(dueRecordOf(record.recordKey, record.key));
    });
  }

  dispatch(records: readonly DueRecord[]): void {
    for (const record of records) if (!this.lanes.add(record)) this.moreInDatabase = true;
    this.pump();
  }

  start(): void {
    this.active = true;
    this.pump();
  }

  async stop(drainMs: number): Promise<void> {
    this.active = false;
    this.wakeUps.clear();
    this.holdBack.letGo();
    this.lanes.clear();
    this.suspects.clear();
    this.passes.drain();
    if (!(await this.underWay.endsWithin(drainMs))) await this.passes.stop();
    await this.passes.catchUp();
  }

  sweep(): Promise<void> {
    return (this.sweeping ??= this.underWay.follow(
      this.detached(() => this.sweepOnce()).finally(() => (this.sweeping = undefined)),
    ));
  }

  async idle(): Promise<void> {
    for (;;) {
      await this.sweep();
      while (!this.isQuiet()) await new Promise((resolve) => setTimeout(resolve, 1));
      if (!(await this.waiting.anyDue())) return;
      await new Promise((resolve) => setTimeout(resolve, IDLE_POLL_MS));
    }
  }

  private isQuiet(): boolean {
    const { lanes, suspects } = this;
    const inLine = lanes.waiting + lanes.running + suspects.waiting + suspects.running + this.ended.size;
    return inLine === 0 && !this.pumping && !this.looking;
  }

  private async sweepOnce(): Promise<void> {
    await this.passes.catchUp();
    if (this.lanes.isFull) return;
    this.moreInDatabase = false;
    const due = await this.waiting.due(SWEEP_EVENTS);
    for (const row of due.records) {
      if (this.running.has(hexOf(row))) continue;
      const lanes = this.leases.isSuspect(row) ? this.suspects : this.lanes;
      lanes.add(row);
    }
    if (due.more) this.moreInDatabase = true;
    this.pump();
  }

  private pump(): void {
    if (!this.pumping && this.active) void this.underWay.follow(this.detached(() => this.claimAll()));
  }

  private async claimAll(): Promise<void> {
    this.pumping = true;
    try {
      while (this.active && (await this.runNext()));
      if (this.active && this.moreInDatabase && this.lanes.waiting === 0) this.sweepAgain();
    } catch (error) {
      // What was taken from the lanes still waits in the database: the next sweep brings it back.
      this.complain(error);
    } finally {
      this.pumping = false;
      this.eager = false;
      // Passes that hang would free no places for them.
      if (this.active && this.lanes.holdsBack) this.holdBack.begin();
    }
  }

  /** False if nothing can be begun now: the end of a pass will call again. */
  private async runNext(): Promise<boolean> {
    if (this.suspects.running > 0) return false;
    if (this.suspects.waiting === 0) return this.claim(this.lanes, false);
    return this.lanes.running === 0 && this.claim(this.suspects, true);
  }

  private async claim(lanes: Lanes, alone: boolean): Promise<boolean> {
    const records = lanes.take(this.eager);
    if (records.length > 0) this.holdBack.letGo();
    const begun = new Set<DueRecord>();
    try {
      const free = records.filter((record) => !this.running.has(hexOf(record)));
      const admitted = new Map(
        (await this.admission.admit(free, this.complain)).map((record) => [hexOf(record), record]),
      );
      const keys = [...admitted.values()].map(({ recordKey }) => recordKey);
      const claimed = keys.length > 0 ? await this.leases.claim(keys, { alone }) : [];
      for (const work of claimed) {
        const record = admitted.get(hexOf(work.record))!;
        begun.add(record);
        this.run(work, record, lanes);
      }
      await this.admission.unspent([...admitted.values()].filter((record) => !begun.has(record)));
    } finally {
      for (const record of records) if (!begun.has(record)) lanes.done(record);
    }
    return records.length > 0;
  }

  private run(work: Work, record: DueRecord, lanes: Lanes): void {
    const pass = this.passes
      .run(work)
      .then(async (report) => {
        if (report.dueInMs !== undefined) this.wakeIn(report.dueInMs);
        if (report.fetches === 0) await this.admission.unspent([record]);
      })
      .catch((error: unknown) => {
        this.complain(error);
        // What the database refuses to write down will be refused again; its being away says nothing of the record.
        this.leases.releaseLater(work.record, isRefusal(error) && !isConflict(error));
      })
      .finally(() => {
        this.running.delete(hexOf(record));
        lanes.done(record);
        this.end(record);
        this.pump();
      });
    this.running.set(hexOf(record), this.underWay.follow(pass));
  }

  private end(record: DueRecord): void {
    this.ended.set(hexOf(record), record);
    if (!this.looking) void this.underWay.follow(this.lookAtEnded());
  }

  /** Only once a lease is released and that is committed can nobody's nudge be lost: so look now, not before. */
  private async lookAtEnded(): Promise<void> {
    this.looking = true;
    try {
      while (this.ended.size > 0 && this.active) {
        const records = new Map(this.ended);
        this.ended.clear();
        const due = await this.waiting.dueAmong([...records.values()].map(({ recordKey }) => recordKey));
        this.dispatch(due.map((row) => ({ ...records.get(hexOf(row))!, types: row.types })));
        if (this.ended.size > 0) await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
      }
    } catch (error) {
      this.complain(error);
    } finally {
      this.looking = false;
    }
  }

  /** Sweeps then, if the next sweep would come later: something becomes due. */
  private wakeIn(ms: number): void {
    if (this.active && ms < this.options.sweepEveryMs) this.wakeUps.in(ms);
  }

  private sweepAgain(): void {
    void this.sweep().catch(this.complain);
  }
}

function hexOf({ recordKey }: Pick<DueRecord, 'recordKey'>): string {
  return recordKey.toString('hex');
}
