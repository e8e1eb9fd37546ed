/** How many calls may be made now, and when the next ones. */
export interface Grant {
  readonly granted: number;
  /** Until more are granted; 0 if all that were asked for are. */
  readonly retryInMs: number;
  /** Why not all were granted. */
  readonly reason: 'budget' | 'rate-limited' | null;
}

/**
 * How many API calls a connection may make. One token for each call, taken before the record is claimed, so that no
 * lease is held while waiting for one. Interface and token of one name: in memory here, shared by processes behind
 * the same interface.
 */
export abstract class Budget {
  /** Takes up to `wanted` tokens. */
  abstract take(source: string, connectionId: string, wanted: number): Promise<Grant>;

  /** Gives tokens back that were not needed. */
  abstract giveBack(source: string, connectionId: string, unspent: number): Promise<void>;

  /** No tokens for so long: the provider asks for it. */
  abstract pause(source: string, connectionId: string, forMs: number): Promise<void>;

  /** How long the connection is paused for, in milliseconds; 0: it is not. */
  abstract pausedForMs(source: string, connectionId: string): Promise<number>;
}
