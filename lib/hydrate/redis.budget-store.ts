import { RateLimiterRedis } from 'rate-limiter-flexible';
import { BudgetStore, type Note } from './budget-store.js';

/** What is asked of Redis itself: a client of `ioredis`, as Bull and BullMQ have one. */
export interface RedisClient {
  /** `ready`: it can be asked now. */
  readonly status: string;
  get(key: string): Promise<string | null>;
  pttl(key: string): Promise<number>;
  set(key: string, value: string, unit: 'PX', time: number, when?: 'NX'): Promise<string | null>;
  del(key: string): Promise<number>;
}

/** The budgets of all processes that share a Redis. Rejects while that is away. */
export class RedisBudgetStore extends BudgetStore {
  /**
   * @param redis null until it is known
   * @param prefix of all its keys: applications may share a Redis that are not one
   */
  constructor(
    private readonly redis: () => RedisClient | null,
    private readonly prefix: string,
  ) {
    super();
  }

  protected makeLimiter(name: string, callsPerSecond: number): RateLimiterRedis {
    return new RateLimiterRedis({
      storeClient: this.ready(),
      keyPrefix: this.keyOf(name),
      points: callsPerSecond,
      duration: 1,
      rejectIfRedisNotReady: true,
    });
  }

  async read(key: string): Promise<Note | null> {
    const redis = this.ready();
    const [text, leftMs] = await Promise.all([redis.get(this.keyOf(key)), redis.pttl(this.keyOf(key))]);
    return text !== null && leftMs > 0 ? { text, leftMs } : null;
  }

  async note(key: string, text: string, forMs: number): Promise<void> {
    await this.ready().set(this.keyOf(key), text, 'PX', Math.ceil(forMs));
  }

  async noteFirst(key: string, text: string, forMs: number): Promise<boolean> {
    return (await this.ready().set(this.keyOf(key), text, 'PX', Math.ceil(forMs), 'NX')) !== null;
  }

  async forget(key: string): Promise<void> {
    await this.ready().del(this.keyOf(key));
  }

  /** Its offline queue would keep what is asked until it is back: nobody waits for so long. */
  private ready(): RedisClient {
    const redis = this.redis();
    if (redis?.status !== 'ready') throw new Error('Redis is not reachable');
    return redis;
  }

  private keyOf(name: string): string {
    return `${this.prefix}:${name}`;
  }
}
