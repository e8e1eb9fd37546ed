import { Inject, Injectable } from '@nestjs/common';
import { Slots } from '../database/slots.js';
import type { WaitReason } from '../model/event.js';
import type { ConnectionKey } from '../model/record.js';
import { ResolvedSyncOptions } from '../sync.options.js';
import type { BudgetStore } from './budget-store.js';
import { BudgetStores } from './budget-stores.js';
import { DailyCalls } from './daily-calls.js';
import { TokenBucket, type CallClass } from './token-bucket.js';

/** Why no calls may be made. */
export type PauseReason = Extract<WaitReason, 'rate-limited' | 'provider-unavailable'>;

/** How many calls may be made now, and when the next ones. */
export interface Grant {
  readonly granted: number;
  /** Until more are granted; 0 if all that were asked for are. */
  readonly retryInMs: number;
  /** Why not all were granted. */
  readonly reason: 'budget' | 'daily-limit' | PauseReason | null;
}

/** How often a provider that does not answer is tried, by all processes together. */
const PROBE_MS = 1_000;

/** An outage that nobody has asked about for so long counts as over. */
const OUTAGE_HOLDS_MS = 3_600_000;

/** How soon to look again at calls of the day. */
const LOOK_AGAIN_MS = 60_000;

/**
 * How many API calls a connection may make, and all connections of its source together. One token for each call, taken
 * before the record is claimed, so that no lease is held while waiting for one.
 */
@Injectable()
export class Budget {
  private readonly turns = new Slots(1);

  constructor(
    private readonly stores: BudgetStores,
    private readonly dailyCalls: DailyCalls,
    @Inject(ResolvedSyncOptions) private readonly options: ResolvedSyncOptions,
  ) {}

  /** Takes up to `wanted` tokens; none for what can wait, where the provider's calls of the day run short. */
  async take(connection: ConnectionKey, wanted: number, forWhat: CallClass): Promise<Grant> {
    if (this.dailyCalls.runShort(connection, forWhat))
      return { granted: 0, retryInMs: LOOK_AGAIN_MS, reason: 'daily-limit' };
    // One after the other: two that saw the same last token would both ask for it.
    return this.turns.run(() =>
      this.stores.use((store) => this.takeFrom(store, connection, wanted, forWhat)),
    );
  }

  /** Gives tokens back that were not needed. */
  giveBack(connection: ConnectionKey, unspent: number): Promise<void> {
    return this.turns.run(() =>
      this.stores.use(async (store) => {
        for (const bucket of this.bucketsOf(store, connection)) await bucket.giveBack(unspent);
      }),
    );
  }

  /**
   * No tokens for so long. After a pause since the provider is `provider-unavailable`, there is one at a time, to find out
   * whether it is back, until `recovered()`.
   */
  pause(connection: ConnectionKey, forMs: number, reason: PauseReason): Promise<void> {
    return this.stores.use(async (store) => {
      await store.note(pauseOf(connection), reason, forMs);
      if (reason === 'provider-unavailable') await store.note(outageOf(connection), reason, OUTAGE_HOLDS_MS);
      else await store.forget(outageOf(connection));
    });
  }

  /** The provider has answered. */
  recovered(connection: ConnectionKey): Promise<void> {
    return this.stores.use(async (store) => {
      await store.forget(outageOf(connection));
      const pause = await store.read(pauseOf(connection));
      if (pause?.text === 'provider-unavailable') await store.forget(pauseOf(connection));
    });
  }

  private async takeFrom(
    store: BudgetStore,
    connection: ConnectionKey,
    wanted: number,
    forWhat: CallClass,
  ): Promise<Grant> {
    const [pause, outage] = await Promise.all([
      store.read(pauseOf(connection)),
      store.read(outageOf(connection)),
    ]);
    if (pause) return { granted: 0, retryInMs: pause.leftMs, reason: pause.text as PauseReason };
    const probing = { retryInMs: PROBE_MS, reason: 'provider-unavailable' } as const;
    // One call finds out whether the provider is back.
    if (outage && !(await store.noteFirst(pauseOf(connection), probing.reason, PROBE_MS)))
      return { granted: 0, ...probing };

    const { granted, retryInMs } = await takeTokens(
      this.bucketsOf(store, connection),
      outage ? 1 : wanted,
      forWhat,
    );
    if (granted === wanted) return { granted, retryInMs: 0, reason: null };
    return outage ? { granted, ...probing } : { granted, retryInMs, reason: 'budget' };
  }

  /** The connection's own, and that of its source. */
  private bucketsOf(store: BudgetStore, { source, connectionId }: ConnectionKey): TokenBucket[] {
    const { callsPerSecond, sourceCallsPerSecond } = this.options.sources[source]!;
    return [
      new TokenBucket(store.limiter(`connection of ${source}`, callsPerSecond), connectionId),
      new TokenBucket(store.limiter(`source ${source}`, sourceCallsPerSecond), source),
    ];
  }
}

/** As many as each bucket has. */
async function takeTokens(
  buckets: readonly TokenBucket[],
  wanted: number,
  forWhat: CallClass,
): Promise<Pick<Grant, 'granted' | 'retryInMs'>> {
  const states = await Promise.all(buckets.map((bucket) => bucket.look(forWhat)));
  const retryInMs = Math.max(...states.map((state) => (state.free < wanted ? state.retryInMs : 1)));
  let granted = Math.max(0, Math.min(wanted, ...states.map(({ free }) => free)));
  const taken: TokenBucket[] = [];
  for (const bucket of buckets) {
    const got = await bucket.take(granted, forWhat);
    // Another process was faster.
    for (const earlier of taken) await earlier.giveBack(granted - got);
    granted = got;
    taken.push(bucket);
  }
  return { granted, retryInMs };
}

function pauseOf(connection: ConnectionKey): string {
  return `pause ${nameOf(connection)}`;
}

function outageOf(connection: ConnectionKey): string {
  return `outage ${nameOf(connection)}`;
}

function nameOf({ source, connectionId }: ConnectionKey): string {
  return `${source} ${connectionId}`;
}
