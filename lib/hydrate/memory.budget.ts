import { Inject, Injectable } from '@nestjs/common';
import { RateLimiterMemory } from 'rate-limiter-flexible';
import { SyncClock } from '../sync.clock.js';
import { ResolvedSyncOptions } from '../sync.options.js';
import { Budget, type Grant } from './budget.js';

/** The budgets of one process. */
@Injectable()
export class MemoryBudget extends Budget {
  private readonly limiters = new Map<string, RateLimiterMemory>();
  /** Until when, by the module's clock: in tests a pause is over when the clock says so. */
  private readonly pauses = new Map<string, number>();

  constructor(
    private readonly clock: SyncClock,
    @Inject(ResolvedSyncOptions) private readonly options: ResolvedSyncOptions,
  ) {
    super();
  }

  async take(source: string, connectionId: string, wanted: number): Promise<Grant> {
    const pausedMs = await this.pausedForMs(source, connectionId);
    if (pausedMs > 0) return { granted: 0, retryInMs: pausedMs, reason: 'rate-limited' };
    const limiter = this.limiterOf(source);
    const state = await limiter.get(connectionId);
    const granted = Math.min(wanted, state ? Math.max(state.remainingPoints, 0) : limiter.points);
    if (granted > 0) await limiter.consume(connectionId, granted);
    if (granted === wanted) return { granted, retryInMs: 0, reason: null };
    return { granted, retryInMs: state?.msBeforeNext ?? 1_000, reason: 'budget' };
  }

  async giveBack(source: string, connectionId: string, unspent: number): Promise<void> {
    const limiter = this.limiterOf(source);
    const state = await limiter.get(connectionId);
    if (state) await limiter.reward(connectionId, Math.min(unspent, state.consumedPoints));
  }

  async pause(source: string, connectionId: string, forMs: number): Promise<void> {
    this.pauses.set(keyOf(source, connectionId), this.clock.now() + forMs);
  }

  async pausedForMs(source: string, connectionId: string): Promise<number> {
    const key = keyOf(source, connectionId);
    const leftMs = (this.pauses.get(key) ?? 0) - this.clock.now();
    if (leftMs > 0) return leftMs;
    this.pauses.delete(key);
    return 0;
  }

  private limiterOf(source: string): RateLimiterMemory {
    let limiter = this.limiters.get(source);
    if (!limiter) {
      const points = this.options.sources[source]!.callsPerSecond;
      limiter = new RateLimiterMemory({ keyPrefix: source, points, duration: 1 });
      this.limiters.set(source, limiter);
    }
    return limiter;
  }
}

function keyOf(source: string, connectionId: string): string {
  return `${source} ${connectionId}`;
}
