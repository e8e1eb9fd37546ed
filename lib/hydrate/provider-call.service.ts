import { Inject, Injectable, Logger } from '@nestjs/common';
import type { FetchOptions } from '../model/connector.js';
import type { ConnectionKey } from '../model/record.js';
import { SyncClock } from '../sync.clock.js';
import { ProviderError, type ProviderFailure } from '../sync.errors.js';
import { ResolvedSyncOptions } from '../sync.options.js';
import { Budget } from './budget.js';
import { ConnectionHealthRegistry, type ConnectionHealth } from './connection-health.registry.js';

/** What came of one call. */
export type CallResult<T> = { readonly outcome: 'answered'; readonly answer: T } | FailedCall;

export interface FailedCall {
  readonly outcome: 'failed';
  readonly failure: ProviderFailure;
  readonly message: string;
  /** The connection is paused for so long. */
  readonly pausedMs: number;
}

/** A provider that does not say how long: twice as long at each 429 in a row. */
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;

/** The only way to a provider's API: bounds each call in time, and leaves a provider alone that asks for it. */
@Injectable()
export class ProviderCallService {
  private readonly logger = new Logger(ProviderCallService.name);
  private readonly healths = new ConnectionHealthRegistry();

  constructor(
    private readonly budget: Budget,
    private readonly clock: SyncClock,
    @Inject(ResolvedSyncOptions) private readonly options: ResolvedSyncOptions,
  ) {}

  /** One call, for which a token has been taken. Never throws. */
  async call<T>(
    connection: ConnectionKey,
    request: (options: FetchOptions) => Promise<T>,
  ): Promise<CallResult<T>> {
    const health = this.healths.of(connection);
    const { fetchTimeoutMs: timeoutMs } = this.options;
    try {
      const answer = await request({ signal: AbortSignal.timeout(timeoutMs), timeoutMs });
      health.lastSuccessAt = this.clock.now();
      health.rateLimits = 0;
      return { outcome: 'answered', answer };
    } catch (error) {
      return this.failed(connection, health, error);
    }
  }

  /** Since the last answer from that connection, to this process; Infinity: none yet. */
  lastSuccessAgoMs(connection: ConnectionKey): number {
    return this.clock.now() - this.healths.of(connection).lastSuccessAt;
  }

  private async failed(
    connection: ConnectionKey,
    health: ConnectionHealth,
    error: unknown,
  ): Promise<FailedCall> {
    const { source, connectionId } = connection;
    if (!(error instanceof ProviderError)) {
      // A connector that breaks its contract must not break the pass.
      this.logger.error(`the ${source} connector failed unexpectedly: ${String(error)}`);
      return { outcome: 'failed', failure: 'rejected', message: String(error), pausedMs: 0 };
    }
    const { failure, message } = error;
    let pausedMs = 0;
    if (failure === 'rate-limited') {
      pausedMs = this.pauseMs(connection, health, error);
      await this.budget.pause(source, connectionId, pausedMs);
    }
    return { outcome: 'failed', failure, message, pausedMs };
  }

  /** Calls that were under way together are refused together: that is one pause, not several in a row. */
  private pauseMs(
    { source, connectionId }: ConnectionKey,
    health: ConnectionHealth,
    { retryAfterMs, message }: ProviderError,
  ): number {
    const now = this.clock.now();
    if (now < health.pausedUntil) return Math.max(health.pausedUntil - now, retryAfterMs ?? 0);
    health.rateLimits += 1;
    const ownPauseMs = Math.min(FIRST_PAUSE_MS * 2 ** (health.rateLimits - 1), LONGEST_PAUSE_MS);
    const pausedMs = retryAfterMs ?? ownPauseMs * (0.75 + this.clock.random() / 2);
    health.pausedUntil = now + pausedMs;
    this.logger.warn(`${source}/${connectionId} is paused for ${Math.round(pausedMs)} ms: ${message}`);
    return pausedMs;
  }
}
