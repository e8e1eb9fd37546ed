import { Inject, Injectable, Logger } from '@nestjs/common';
import { HandlerRegistry } from '../handlers/handler.registry.js';
import { Budget } from '../hydrate/budget.js';
import { HydrationService } from '../hydrate/hydration.service.js';
import { WaitingEventsService } from '../inbox/waiting-events.service.js';
import { LeaseService } from '../process/lease.service.js';
import { PassService } from '../process/pass.service.js';
import type { Work } from '../process/work.js';
import { ResolvedSyncOptions } from '../sync.options.js';
import { Admission } from './admission.js';
import { Dispatcher, dueRecordOf, type DueRecord } from './dispatcher.js';
import { Lanes } from './lanes.js';

/** A claim costs the same for one record as for many. */
const CLAIM_BATCH = 100;

/** Due events fetched from each connection by one sweep. */
const SWEEP_PER_LANE = 2_000;

/** How often `idle()` asks again while another process has the rest in hand. */
const IDLE_POLL_MS = 20;

/** Runs passes in this process. */
@Injectable()
export class InProcessDispatcher extends Dispatcher {
  private readonly logger = new Logger(InProcessDispatcher.name);
  private readonly lanes = new Lanes();
  private readonly suspects = new Lanes();
  private readonly running = new Map<string, Promise<void>>();
  /** Records whose pass has ended: something may have come meanwhile. */
  private readonly ended = new Map<string, DueRecord>();
  /** Leases that could not be given back: the database was away. */
  private unreleased: Work[] = [];
  private readonly admission: Admission;
  private active = false;
  private pumping = false;
  private looking = false;
  /** The one pass that runs is under suspicion: no other beside it. */
  private isolated = false;
  private sweeping?: Promise<void>;
  private moreInDatabase = false;

  constructor(
    private readonly leases: LeaseService,
    private readonly passes: PassService,
    private readonly waiting: WaitingEventsService,
    budget: Budget,
    registry: HandlerRegistry,
    hydration: HydrationService,
    @Inject(ResolvedSyncOptions) private readonly options: ResolvedSyncOptions,
  ) {
    super();
    this.admission = new Admission(budget, registry, hydration, waiting, options);
    passes.onEnded(({ recordKey, key }) => {
      this.ended.set(recordKey.toString('hex'), dueRecordOf(recordKey, key));
      void this.lookAtEnded();
    });
  }

  dispatch(records: readonly DueRecord[]): void {
    for (const record of records) if (!this.lanes.add(record)) this.moreInDatabase = true;
    void this.pump();
  }

  start(): void {
    this.active = true;
    void this.pump();
  }

  async stop(drainMs: number): Promise<void> {
    this.active = false;
    this.lanes.clear();
    this.suspects.clear();
    this.passes.drain();
    const drained = Promise.allSettled(this.running.values());
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(() => {
        this.passes.stop();
        resolve();
      }, drainMs);
    });
    await Promise.race([drained, late]);
    clearTimeout(timer);
    await this.releaseLeftOver();
  }

  sweep(): Promise<void> {
    return (this.sweeping ??= this.sweepOnce().finally(() => (this.sweeping = undefined)));
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
    return (
      !this.pumping &&
      !this.looking &&
      this.running.size + this.lanes.size + this.suspects.size + this.ended.size === 0
    );
  }

  private async sweepOnce(): Promise<void> {
    await this.releaseLeftOver();
    if (this.lanes.isFull) return;
    this.moreInDatabase = false;
    const due = await this.waiting.due(SWEEP_PER_LANE);
    for (const row of due) {
      const { recordKey, source, connectionId, resource } = row;
      if (this.running.has(recordKey.toString('hex'))) continue;
      const lanes = this.leases.isSuspect(row) ? this.suspects : this.lanes;
      lanes.add({ recordKey, source, connectionId, resource });
    }
    // As many as were asked for: there may be more.
    if (due.reduce((events, row) => events + row.events, 0) >= SWEEP_PER_LANE) this.moreInDatabase = true;
    void this.pump();
  }

  /** Claims in batches: waits for half the places to be free rather than claim one record at a time. */
  private async pump(): Promise<void> {
    if (this.pumping || !this.active) return;
    this.pumping = true;
    try {
      while (this.active && this.lanes.size + this.suspects.size > 0) {
        if (this.suspects.size > 0 || this.isolated) {
          if (this.running.size > 0) return;
          await this.claim(this.suspects.take(1), true);
          this.isolated = this.running.size > 0;
          continue;
        }
        const free = this.options.maxPasses - this.running.size;
        if (free < Math.min(this.lanes.size, this.options.maxPasses / 2)) return;
        await this.claim(this.lanes.take(Math.min(free, CLAIM_BATCH)), false);
      }
      if (this.moreInDatabase && this.active)
        void this.sweep().catch((error: unknown) => this.complain(error));
    } catch (error) {
      // What was taken from the lanes still waits in the database: the next sweep brings it back.
      this.complain(error);
    } finally {
      this.pumping = false;
    }
  }

  private async claim(records: DueRecord[], alone: boolean): Promise<void> {
    const free = records.filter(({ recordKey }) => !this.running.has(recordKey.toString('hex')));
    const admitted = await this.admission.admit(free);
    if (admitted.length === 0) return;
    const claimed = await this.leases.claim(
      admitted.map(({ recordKey }) => recordKey),
      { alone },
    );
    const keys = new Set(claimed.map(({ record }) => record.recordKey.toString('hex')));
    await this.admission.unspent(admitted.filter(({ recordKey }) => !keys.has(recordKey.toString('hex'))));
    for (const work of claimed) this.run(work);
  }

  private run(work: Work): void {
    const { key, recordKey } = work.record;
    const hex = recordKey.toString('hex');
    const pass = this.passes
      .run(work)
      .then(async (report) => {
        const { source, connectionId, resource } = key;
        if (report.fetches === 0)
          await this.admission.unspent([{ recordKey, source, connectionId, resource }]);
        this.ended.set(hex, { recordKey, source, connectionId, resource });
        void this.lookAtEnded();
      })
      .catch((error: unknown) => {
        this.complain(error);
        this.unreleased.push(work);
      })
      .finally(() => {
        this.running.delete(hex);
        this.isolated = false;
        void this.pump();
      });
    this.running.set(hex, pass);
  }

  /** Only once a lease is released and that is committed can nobody's nudge be lost: so look now, not before. */
  private async lookAtEnded(): Promise<void> {
    if (this.looking) return;
    this.looking = true;
    try {
      while (this.ended.size > 0 && this.active) {
        const records = [...this.ended.values()];
        this.ended.clear();
        const due = new Set(
          (await this.waiting.dueAmong(records.map((r) => r.recordKey))).map((k) => k.toString('hex')),
        );
        this.dispatch(records.filter(({ recordKey }) => due.has(recordKey.toString('hex'))));
      }
    } catch (error) {
      this.complain(error);
    } finally {
      this.looking = false;
    }
  }

  private async releaseLeftOver(): Promise<void> {
    const works = this.unreleased;
    this.unreleased = [];
    for (const work of works) {
      await this.leases.release(work.record).catch(() => this.unreleased.push(work));
    }
  }

  private complain(error: unknown): void {
    this.logger.error(
      `a pass could not be run or written down: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}
