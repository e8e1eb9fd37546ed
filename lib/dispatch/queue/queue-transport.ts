import type { RedisClient } from '../../hydrate/redis.budget-store.js';
import { inTime } from '../../model/in-time.js';

/** What a queue that is closed may ask of Redis, which may not answer any more. */
const CLOSES_WITHIN_MS = 2_000;

/** A queue on Redis, of whichever library. Interface and token of one name. */
export abstract class QueueTransport {
  private ending?: Promise<void>;

  /** Its connection; null until there has been one. */
  abstract readonly redis: RedisClient | null;

  /** Of keys that belong to it, beside the library's own. */
  abstract readonly keyPrefix: string;

  /** Tells of what goes wrong by itself, a connection that is lost say. Never throws. */
  abstract onError(listener: (error: Error) => void): void;

  /** Adds a job. May wait for as long as Redis is away. */
  abstract send(job: object): Promise<void>;

  /** Gives each job to one of those who ask for them. */
  abstract receive(take: (job: unknown) => void): void;

  /** Asks for no more jobs, and closes the queue, for good. Waits for a Redis that hangs for two seconds, and no longer. */
  stop(): Promise<void> {
    return (this.ending ??= inTime(CLOSES_WITHIN_MS, this.close(), () => undefined));
  }

  /** However long that takes. */
  protected abstract close(): Promise<void>;
}
