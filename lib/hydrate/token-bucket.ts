import { RateLimiterRes, type RateLimiterAbstract } from 'rate-limiter-flexible';

/**
 * What a call is for. `live` may take every token; the others leave some, so that whatever they do, what happens now is
 * handled now.
 */
export type CallClass = 'live' | 'reconcile' | 'backfill' | 'project';

/** Which part of the tokens of a second a class may take. */
const SHARES: Readonly<Record<CallClass, number>> = { live: 1, reconcile: 0.75, backfill: 0.5, project: 0.5 };

/** The tokens of one key, filled up every second. */
export class TokenBucket {
  constructor(
    private readonly limiter: RateLimiterAbstract,
    private readonly key: string,
  ) {}

  /** How many there are for that class, and when there are more. */
  async look(forWhat: CallClass): Promise<{ free: number; retryInMs: number }> {
    const state = await this.limiter.get(this.key);
    return {
      free: this.mostFor(forWhat) - (state?.consumedPoints ?? 0),
      retryInMs: Math.max(1, state?.msBeforeNext ?? 1_000),
    };
  }

  /** Counts first, and looks then whether there were so many: never does one token go to two who ask at once. */
  async take(wanted: number, forWhat: CallClass): Promise<number> {
    if (wanted === 0) return 0;
    const { consumedPoints } = await this.limiter.consume(this.key, wanted).catch((refusal: unknown) => {
      // Taken all the same, as its count says.
      if (refusal instanceof RateLimiterRes) return refusal;
      throw refusal;
    });
    const tooMany = Math.min(wanted, Math.max(0, consumedPoints - this.mostFor(forWhat)));
    if (tooMany > 0) await this.giveBack(tooMany);
    return wanted - tooMany;
  }

  async giveBack(count: number): Promise<void> {
    if (count === 0) return;
    const state = await this.limiter.get(this.key);
    // What is left of an earlier second is none of this one's.
    const still = Math.min(count, state?.consumedPoints ?? 0);
    if (still > 0) await this.limiter.reward(this.key, still);
  }

  /** Each class has one at least, or it would never come to its turn. */
  private mostFor(forWhat: CallClass): number {
    return Math.max(1, Math.floor(this.limiter.points * SHARES[forWhat]));
  }
}
