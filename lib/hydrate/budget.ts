import { Logger } from '@nestjs/common';
import type { WaitReason } from '../model/event.js';
import type { ConnectionKey } from '../model/record.js';
import type { SyncClock } from '../sync.clock.js';
import type { ResolvedSyncOptions } from '../sync.options.js';

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
  readonly reason: 'budget' | 'daily-limit' | PauseReason | null;
}

/** What a provider said of its daily calls holds for so long: then one call finds out how it is. */
const USAGE_HOLDS_MS = 600_000;

/** How soon to look again. */
const LOOK_AGAIN_MS = 60_000;

/**
 * How many API calls a connection may make, and all connections of its source together. One token for each call, taken
 * before the record is claimed, so that no lease is held while waiting for one. Interface and token of one name: in memory
 * here, shared by processes behind the same interface.
 */
export abstract class Budget {
  private readonly logger = new Logger('Sync');
  /** Connections of which some class of calls is held back. */
  private readonly scarce = new Set<string>();

  constructor(
    protected readonly clock: SyncClock,
    protected readonly options: ResolvedSyncOptions,
  ) {}

  /** Takes up to `wanted` tokens; none for what can wait, where the provider's calls of the day run short. */
  async take(connection: ConnectionKey, wanted: number, forWhat: CallClass): Promise<Grant> {
    if (this.runsShort(connection, forWhat))
      return { granted: 0, retryInMs: LOOK_AGAIN_MS, reason: 'daily-limit' };
    return this.takeTokens(connection, wanted, forWhat);
  }

  protected abstract takeTokens(
    connection: ConnectionKey,
    wanted: number,
    forWhat: CallClass,
  ): Promise<Grant>;

  /** Gives tokens back that were not needed. */
  abstract giveBack(connection: ConnectionKey, unspent: number): Promise<void>;

  /**
   * No tokens for so long. After a pause since the provider is `provider-unavailable`, there is one at a time, to find out
   * whether it is back, until `recovered()`.
   */
  abstract pause(connection: ConnectionKey, forMs: number, reason: PauseReason): Promise<void>;

  /** The provider has answered. */
  abstract recovered(connection: ConnectionKey): Promise<void>;

  /** What happens now is never held back: the provider itself says when it is enough. */
  private runsShort({ source, connectionId }: ConnectionKey, forWhat: CallClass): boolean {
    if (forWhat === 'live') return false;
    const { connector, dailyShare } = this.options.sources[source]!;
    const usage = connector.usage?.(connectionId);
    if (!usage || this.clock.now() - usage.at.getTime() > USAGE_HOLDS_MS) return false;
    const share = forWhat === 'reconcile' ? (1 + dailyShare) / 2 : dailyShare;
    const isShort = usage.used >= usage.limit * share;
    this.tell(`${source}/${connectionId}: ${forWhat}`, isShort, `${usage.used} of ${usage.limit}`);
    return isShort;
  }

  private tell(what: string, isShort: boolean, usage: string): void {
    if (isShort === this.scarce.has(what)) return;
    if (isShort) this.scarce.add(what);
    else this.scarce.delete(what);
    this.logger.warn(`${what} ${isShort ? 'waits' : 'goes on'}: ${usage} API calls of the day are used`);
  }
}
