import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { EventRetentionService } from '../inbox/event-retention.service.js';
import { PruneTurnService, type PruneTurn } from '../inbox/prune-turn.service.js';
import { RunRetentionService } from '../inbox/run-retention.service.js';
import { SyncClock } from '../sync.clock.js';
import { RecurringWork } from './recurring-work.js';
import { SyncSchedulerRegistry } from './sync.scheduler-registry.js';

/** What is kept is kept for days. */
const PRUNE_EVERY_MS = 6 * 3_600_000;

/** How often each process asks whether it is its turn. */
const ASK_EVERY_MS = 600_000;

/** It rests for so many times as long as a step has taken, so that nobody feels it. */
const REST = 9;

/** Forgets what was settled long ago, bit by bit, and one process at a time. */
@Injectable()
export class PruneScheduler {
  private readonly ticks: RecurringWork;
  private readonly ending = new AbortController();

  constructor(
    registry: SyncSchedulerRegistry,
    clock: SyncClock,
    private readonly turns: PruneTurnService,
    private readonly events: EventRetentionService,
    private readonly runs: RunRetentionService,
  ) {
    this.ticks = new RecurringWork('prune', registry, clock, () => this.pruneIfDue());
  }

  start(): void {
    this.ticks.start(ASK_EVERY_MS);
  }

  /** Resolves when the step that it is at has come to its end; what is left is for the next turn, wherever that is. */
  stop(drainMs: number): Promise<void> {
    this.ending.abort();
    return this.ticks.stop(drainMs);
  }

  /** Now, if it is due and nobody is at it. What fails is logged, and tried again the next time. */
  prune(): Promise<void> {
    return this.ticks.begin();
  }

  private async pruneIfDue(): Promise<void> {
    const turn = await this.turns.take();
    if (!turn) return;
    let isDone = false;
    try {
      isDone = (await this.walk(turn, this.events.steps())) && (await this.walk(turn, this.runs.steps()));
    } finally {
      await turn.end(isDone ? PRUNE_EVERY_MS : 0);
    }
  }

  /** False: the application ends. */
  private async walk(turn: PruneTurn, steps: AsyncGenerator<void>): Promise<boolean> {
    const { signal } = this.ending;
    let beganAt = performance.now();
    for await (const _ of steps) {
      await turn.keep();
      // The end of the application ends the rest too.
      await sleep(REST * (performance.now() - beganAt), undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return false;
      beganAt = performance.now();
    }
    return true;
  }
}
