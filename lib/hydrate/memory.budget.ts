import { Inject, Injectable } from '@nestjs/common';
import { RateLimiterMemory, type RateLimiterRes } from 'rate-limiter-flexible';
import { Slots } from '../database/slots.js';
import type { ConnectionKey } from '../model/record.js';
import { SyncClock } from '../sync.clock.js';
import { ResolvedSyncOptions } from '../sync.options.js';
import { Budget, type CallClass, type Grant, type PauseReason } from './budget.js';

/** Which part of the tokens of a second a class may take. */
const SHARES: Readonly<Record<CallClass, number>> = { live: 1, reconcile: 0.75, backfill: 0.5, project: 0.5 };

/** How often a provider that does not answer is tried. */
const PROBE_MS = 1_000;

interface Pause {
  /** By the module's clock: in tests a pause is over when the clock says so. */
  readonly until: number;
  readonly reason: PauseReason;
}

/** The budgets of one process. */
@Injectable()
export class MemoryBudget extends Budget {
  private readonly limiters = new Map<string, RateLimiterMemory>();
  private readonly pauses = new Map<string, Pause>();
  private readonly turns = new Slots(1);

  constructor(clock: SyncClock, @Inject(ResolvedSyncOptions) options: ResolvedSyncOptions) {
    super(clock, options);
  }

  /** One after the other: two that saw the same last token would both be given it. */
  protected takeTokens(connection: ConnectionKey, wanted: number, forWhat: CallClass): Promise<Grant> {
    return this.turns.run(() => this.takeInTurn(connection, wanted, forWhat));
  }

  private async takeInTurn(connection: ConnectionKey, wanted: number, forWhat: CallClass): Promise<Grant> {
    const paused = this.pauseOf(connection);
    const leftMs = paused ? paused.until - this.clock.now() : 0;
    if (paused && leftMs > 0) return { granted: 0, retryInMs: leftMs, reason: paused.reason };
    // One call finds out whether the provider is back.
    if (paused) await this.pause(connection, PROBE_MS, paused.reason);
    const most = paused ? Math.min(wanted, 1) : wanted;

    const buckets = this.bucketsOf(connection);
    const states = await Promise.all(buckets.map(({ limiter, key }) => limiter.get(key)));
    const free = buckets.map(({ limiter }, i) => freeOf(limiter, states[i], forWhat));
    const granted = Math.max(0, Math.min(most, ...free));
    if (granted > 0) await Promise.all(buckets.map(({ limiter, key }) => limiter.consume(key, granted)));
    if (granted === wanted) return { granted, retryInMs: 0, reason: null };
    if (paused) return { granted, retryInMs: PROBE_MS, reason: paused.reason };
    const waits = states.map((state, i) => (free[i]! < wanted ? (state?.msBeforeNext ?? 1_000) : 0));
    return { granted, retryInMs: Math.max(...waits), reason: 'budget' };
  }

  giveBack(connection: ConnectionKey, unspent: number): Promise<void> {
    return this.turns.run(() => this.giveBackInTurn(connection, unspent));
  }

  private async giveBackInTurn(connection: ConnectionKey, unspent: number): Promise<void> {
    for (const { limiter, key } of this.bucketsOf(connection)) {
      const state = await limiter.get(key);
      if (state) await limiter.reward(key, Math.min(unspent, state.consumedPoints));
    }
  }

  async pause(connection: ConnectionKey, forMs: number, reason: PauseReason): Promise<void> {
    this.pauses.set(nameOf(connection), { until: this.clock.now() + forMs, reason });
  }

  async recovered(connection: ConnectionKey): Promise<void> {
    if (this.pauses.get(nameOf(connection))?.reason === 'provider-unavailable')
      this.pauses.delete(nameOf(connection));
  }

  /** One that is over counts on only while it is not known whether the provider is back. */
  private pauseOf(connection: ConnectionKey): Pause | undefined {
    const pause = this.pauses.get(nameOf(connection));
    if (!pause || pause.reason === 'provider-unavailable' || pause.until > this.clock.now()) return pause;
    this.pauses.delete(nameOf(connection));
    return undefined;
  }

  /** The connection's own, and that of its source. */
  private bucketsOf({ source, connectionId }: ConnectionKey): { limiter: RateLimiterMemory; key: string }[] {
    const { callsPerSecond, sourceCallsPerSecond } = this.options.sources[source]!;
    return [
      { limiter: this.limiterOf(`connection of ${source}`, callsPerSecond), key: connectionId },
      { limiter: this.limiterOf(`source ${source}`, sourceCallsPerSecond), key: source },
    ];
  }

  private limiterOf(name: string, points: number): RateLimiterMemory {
    let limiter = this.limiters.get(name);
    if (!limiter)
      this.limiters.set(name, (limiter = new RateLimiterMemory({ keyPrefix: name, points, duration: 1 })));
    return limiter;
  }
}

function freeOf(
  limiter: RateLimiterMemory,
  state: RateLimiterRes | null | undefined,
  forWhat: CallClass,
): number {
  // Each class has one at least, or it would never come to its turn.
  const most = Math.max(1, Math.floor(limiter.points * SHARES[forWhat]));
  return most - (state?.consumedPoints ?? 0);
}

function nameOf({ source, connectionId }: ConnectionKey): string {
  return `${source} ${connectionId}`;
}
