import { Inject, Injectable } from '@nestjs/common';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { ResolvedSyncOptions } from '../sync.options.js';
import { Budget, type Grant } from './budget.js';

/** The budgets of one process. */
@Injectable()
export class MemoryBudget extends Budget {
  private readonly limiters = new Map<string, RateLimiterMemory>();

  constructor(@Inject(ResolvedSyncOptions) private readonly options: ResolvedSyncOptions) {
    super();
  }

  async take(source: string, connectionId: string, wanted: number): Promise<Grant> {
    const limiter = this.limiterOf(source);
    const state = await limiter.get(connectionId);
    const granted = Math.min(wanted, state ? Math.max(state.remainingPoints, 0) : limiter.points);
    if (granted > 0) await limiter.consume(connectionId, granted);
    if (granted === wanted) return { granted, retryInMs: 0, reason: null };
    return {
      granted,
      retryInMs: state?.msBeforeNext ?? 1_000,
      reason: isPaused(state, limiter) ? 'rate-limited' : 'budget',
    };
  }

  async giveBack(source: string, connectionId: string, unspent: number): Promise<void> {
    const limiter = this.limiterOf(source);
    const state = await limiter.get(connectionId);
    if (state && !isPaused(state, limiter))
      await limiter.reward(connectionId, Math.min(unspent, state.consumedPoints));
  }

  async pause(source: string, connectionId: string, forMs: number): Promise<void> {
    await this.limiterOf(source).block(connectionId, forMs / 1_000);
  }

  async pausedForMs(source: string, connectionId: string): Promise<number> {
    const limiter = this.limiterOf(source);
    const state = await limiter.get(connectionId);
    return isPaused(state, limiter) ? state!.msBeforeNext : 0;
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

/** The library marks a blocked key by one point more than there are. */
function isPaused(state: RateLimiterRes | null, limiter: RateLimiterMemory): boolean {
  return state !== null && state.consumedPoints > limiter.points;
}
