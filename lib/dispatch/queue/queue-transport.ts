import type { RedisClient } from '../../hydrate/redis.budget-store.js';

/** A queue on Redis, of whichever library. Interface and token of one name. */
export abstract class QueueTransport {
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

  /** Asks for no more jobs. */
  abstract stop(): Promise<void>;
}
