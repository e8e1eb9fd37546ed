import { Inject, Injectable, Logger } from '@nestjs/common';
import type { RecordKey } from '../model/record.js';
import { SyncClock } from '../sync.clock.js';
import { ProviderError, type ProviderFailure } from '../sync.errors.js';
import { ResolvedSyncOptions } from '../sync.options.js';
import { Budget } from './budget.js';
import { ConnectionHealthRegistry, type ConnectionHealth } from './connection-health.registry.js';

/** What one read of a record has told. */
export type Hydration =
  | {
      readonly outcome: 'found';
      readonly data: object;
      readonly fingerprint: string;
      readonly revision: number;
    }
  | { readonly outcome: 'missing'; readonly stated: boolean }
  | {
      readonly outcome: 'failed';
      readonly failure: ProviderFailure;
      readonly message: string;
      /** The connection is paused for so long. */
      readonly pausedMs: number;
    };

/** A provider that does not say how long: twice as long at each 429 in a row. */
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;

/** Reads records as they are now. The only place that calls a provider's API. */
@Injectable()
export class HydrationService {
  private readonly logger = new Logger(HydrationService.name);
  private readonly healths = new ConnectionHealthRegistry();

  constructor(
    private readonly budget: Budget,
    private readonly clock: SyncClock,
    @Inject(ResolvedSyncOptions) private readonly options: ResolvedSyncOptions,
  ) {}

  /** Whether records of this resource can be read at all. */
  isFetchable({ source, resource }: Pick<RecordKey, 'source' | 'resource'>): boolean {
    return this.options.sources[source]?.connector.fetchable(resource) ?? false;
  }

  /** One read, for which a token has been taken. Never throws. */
  async hydrate(record: RecordKey): Promise<Hydration> {
    const { connector } = this.options.sources[record.source]!;
    const health = this.healths.of(record);
    try {
      const fetched = await connector.fetch(record, {
        signal: AbortSignal.timeout(this.options.fetchTimeoutMs),
        timeoutMs: this.options.fetchTimeoutMs,
      });
      health.lastSuccessAt = this.clock.now();
      health.rateLimits = 0;
      if (!fetched.found) return { outcome: 'missing', stated: fetched.stated };
      const { data } = fetched;
      return {
        outcome: 'found',
        data,
        fingerprint: connector.fingerprint(record.resource, data),
        revision: connector.fingerprintRevision,
      };
    } catch (error) {
      return this.failed(record, health, error);
    }
  }

  /** Since the last answer from that connection, to this process; Infinity: none yet. */
  lastSuccessAgoMs(record: RecordKey): number {
    return this.clock.now() - this.healths.of(record).lastSuccessAt;
  }

  private async failed(record: RecordKey, health: ConnectionHealth, error: unknown): Promise<Hydration> {
    if (!(error instanceof ProviderError)) {
      // A connector that breaks its contract must not break the pass.
      this.logger.error(`the ${record.source} connector failed unexpectedly: ${String(error)}`);
      return { outcome: 'failed', failure: 'rejected', message: String(error), pausedMs: 0 };
    }
    const { failure, message } = error;
    let pausedMs = 0;
    if (failure === 'rate-limited') {
      pausedMs = this.pauseMs(record, health, error);
      await this.budget.pause(record.source, record.connectionId, pausedMs);
    }
    return { outcome: 'failed', failure, message, pausedMs };
  }

  /** Calls that were under way together are refused together: that is one pause, not several in a row. */
  private pauseMs(
    record: RecordKey,
    health: ConnectionHealth,
    { retryAfterMs, message }: ProviderError,
  ): number {
    const now = this.clock.now();
    if (now < health.pausedUntil) return Math.max(health.pausedUntil - now, retryAfterMs ?? 0);
    health.rateLimits += 1;
    const ownPauseMs = Math.min(FIRST_PAUSE_MS * 2 ** (health.rateLimits - 1), LONGEST_PAUSE_MS);
    const pausedMs = retryAfterMs ?? ownPauseMs * (0.75 + this.clock.random() / 2);
    health.pausedUntil = now + pausedMs;
    this.logger.warn(
      `${record.source}/${record.connectionId} is paused for ${Math.round(pausedMs)} ms: ${message}`,
    );
    return pausedMs;
  }
}
