import type { Redis } from 'ioredis';
import type { ChildOptions } from './child-app.js';
import { connectToRedis, RedisLine, type QueueLibrary } from './redis.js';

/** The queue of a cluster in a run with a Redis, as TEST_QUEUE says: reached by a line of its own. */
export class ClusterQueue {
  private readonly redis: Redis = connectToRedis();

  private constructor(
    private readonly library: QueueLibrary,
    private readonly name: string,
    private readonly line: RedisLine,
  ) {}

  /** Undefined: this run has none. */
  static async open(name: string): Promise<ClusterQueue | undefined> {
    const library = process.env.TEST_QUEUE as QueueLibrary | undefined;
    return library && new ClusterQueue(library, name, await RedisLine.open());
  }

  get options(): ChildOptions['queue'] {
    return { library: this.library, redis: this.line.url, name: this.name };
  }

  /** Redis forgets everything. */
  async flush(): Promise<void> {
    await this.redis.flushdb();
  }

  /** Redis is away, until `mend()`. */
  cut(): Promise<void> {
    return this.line.cut();
  }

  mend(): Promise<void> {
    return this.line.mend();
  }

  async close(): Promise<void> {
    await this.line.cut();
    this.redis.disconnect();
  }
}
