import type { RateLimiterAbstract } from 'rate-limiter-flexible';

/** Something noted for a while. */
export interface Note {
  readonly text: string;
  /** Until it is gone, in milliseconds; above 0. */
  readonly leftMs: number;
}

/** Where tokens are counted and pauses noted: for one process, or for all. Interface and token of one name. */
export abstract class BudgetStore {
  private readonly limiters = new Map<string, RateLimiterAbstract>();

  /** Counts the tokens of each key, second by second. One of a name is made once. */
  limiter(name: string, callsPerSecond: number): RateLimiterAbstract {
    let limiter = this.limiters.get(name);
    if (!limiter) this.limiters.set(name, (limiter = this.makeLimiter(name, callsPerSecond)));
    return limiter;
  }

  protected abstract makeLimiter(name: string, callsPerSecond: number): RateLimiterAbstract;

  abstract read(key: string): Promise<Note | null>;

  abstract note(key: string, text: string, forMs: number): Promise<void>;

  /** False if there is one already: of all who ask at once, one is told otherwise. */
  abstract noteFirst(key: string, text: string, forMs: number): Promise<boolean>;

  abstract forget(key: string): Promise<void>;
}
