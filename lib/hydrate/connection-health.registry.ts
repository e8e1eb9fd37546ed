import type { ConnectionKey } from '../model/record.js';

/** How a connection has fared with this process. Times are epoch milliseconds. */
export interface ConnectionHealth {
  /** -Infinity: there was no answer yet. */
  lastSuccessAt: number;
  /** Pauses in a row. */
  rateLimits: number;
  /** -Infinity: it was never paused. */
  pausedUntil: number;
  /** What was asked for in vain since the last answer: records, a log, listings. */
  unanswered: Set<string>;
  /** Pauses in a row since it does not answer. */
  outages: number;
}

/**
 * Accounts come from outside, though verified, and a platform has as many as it likes: of more than these, the ones not
 * asked for longest are forgotten, which costs them a shorter pause and a failure that does not count.
 */
const REMEMBERED = 10_000;

/** The health of connections, by their name. */
export class ConnectionHealthRegistry {
  /** The one not asked for longest comes first. */
  private readonly healths = new Map<string, ConnectionHealth>();

  get size(): number {
    return this.healths.size;
  }

  of({ source, connectionId }: ConnectionKey): ConnectionHealth {
    const name = `${source} ${connectionId}`;
    const health = this.healths.get(name) ?? {
      lastSuccessAt: -Infinity,
      rateLimits: 0,
      pausedUntil: -Infinity,
      unanswered: new Set(),
      outages: 0,
    };
    this.healths.delete(name);
    this.healths.set(name, health);
    if (this.healths.size > REMEMBERED) this.healths.delete(this.healths.keys().next().value!);
    return health;
  }
}
