import type { RedisClient } from '../../hydrate/redis.budget-store.js';
import { inTime } from '../../model/in-time.js';

/** What a queue that is ended may ask of Redis, which may not answer any more. */
const ENDS_WITHIN_MS = 2_000;

/** A queue on Redis, of whichever library. Interface and token of one name. */
export abstract class QueueTransport {
  private silencing?: Promise<void>;
  private closing?: Promise<void>;
  /** How long Redis may yet take, of two seconds in all. */
  private patienceMs = ENDS_WITHIN_MS;

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

  /** It is closed, or about to be. */
  get isClosed(): boolean {
    return this.closing !== undefined;
  }

  /** Asks for no more jobs, for good. Waits for a Redis that hangs for two seconds, and no longer. */
  silence(): Promise<void> {
    return (this.silencing ??= inTime(
      this.patienceMs,
      this.stopReceiving(),
      () => void (this.patienceMs = 0),
    ));
  }

  /** Closes the queue, and its connections: those to a Redis that hangs are cut, after two seconds if `silence()` has not waited. */
  stop(): Promise<void> {
    return (this.closing ??= inTime(this.patienceMs, this.close(), () => this.cut()));
  }

  /** However long that takes. */
  protected abstract stopReceiving(): Promise<void>;

  /** However long that takes. */
  protected abstract close(): Promise<void>;

  /** Ends all connections at once: one that is open would keep the process from its end. */
  protected abstract cut(): void;
}
