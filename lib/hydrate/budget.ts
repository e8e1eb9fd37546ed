import type { WaitReason } from '../model/event.js';
import type { ConnectionKey } from '../model/record.js';

/**
 * What a call is for. `live` may take every token; the others leave some, so that whatever they do, what happens now is
 * handled now.
 */
export type CallClass = 'live' | 'reconcile' | 'backfill' | 'project';

/** Why no calls may be made. */
export type PauseReason = Extract<WaitReason, 'rate-limited' | 'provider-unavailable'>;

/** How many calls may be made now, and when the next ones. */
export interface Grant {
  readonly granted: number;
  /** Until more are granted; 0 if all that were asked for are. */
  readonly retryInMs: number;
  /** Why not all were granted. */
  readonly reason: 'budget' | PauseReason | null;
}

/**
 * How many API calls a connection may make, and all connections of its source together. One token for each call, taken
 * before the record is claimed, so that no lease is held while waiting for one. Interface and token of one name: in memory
 * here, shared by processes behind the same interface.
 */
export abstract class Budget {
  /** Takes up to `wanted` tokens. */
  abstract take(connection: ConnectionKey, wanted: number, forWhat: CallClass): Promise<Grant>;

  /** Gives tokens back that were not needed. */
  abstract giveBack(connection: ConnectionKey, unspent: number): Promise<void>;

  /**
   * No tokens for so long. After a pause since the provider is `provider-unavailable`, there is one at a time, to find out
   * whether it is back, until `recovered()`.
   */
  abstract pause(connection: ConnectionKey, forMs: number, reason: PauseReason): Promise<void>;

  /** The provider has answered. */
  abstract recovered(connection: ConnectionKey): Promise<void>;
}
