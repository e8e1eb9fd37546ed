import { Inject, Injectable, Logger } from '@nestjs/common';
import { Slots } from '../database/slots.js';
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

/** So many different requests that get no answer, and it is the provider's fault, and not one record's. */
const UNANSWERED = 5;

/** How long nothing is asked of a provider that does not answer: twice as long each time. */
const FIRST_OUTAGE_MS = 5_000;
const LONGEST_OUTAGE_MS = 60_000;

/** The only way to a provider's API: bounds each call in time, and leaves a provider alone that asks for it. */
@Injectable()
export class ProviderCallService {
  private readonly logger = new Logger(ProviderCallService.name);
  private readonly healths = new ConnectionHealthRegistry();
  /** Of connections with calls under way. */
  private readonly lines = new Map<string, { readonly slots: Slots; calls: number }>();

  constructor(
    private readonly budget: Budget,
    private readonly clock: SyncClock,
    @Inject(ResolvedSyncOptions) private readonly options: ResolvedSyncOptions,
  ) {}

  /**
   * One call, for which a token has been taken. Never throws.
   * @param about what is asked for: calls for the same thing that get no answer say nothing of the provider
   */
  call<T>(
    connection: ConnectionKey,
    about: string,
    request: (options: FetchOptions) => Promise<T>,
  ): Promise<CallResult<T>> {
    return this.inTurn(connection, async () => {
      const health = this.healths.of(connection);
      const { fetchTimeoutMs: timeoutMs } = this.options;
      try {
        const nowMs = this.clock.now();
        const answer = await request({ signal: AbortSignal.timeout(timeoutMs), timeoutMs, nowMs });
        await this.answered(connection, health);
        return { outcome: 'answered', answer };
      } catch (error) {
        return this.failed(connection, health, about, error);
      }
    });
  }

  /** Since the last answer from that connection, to this process; Infinity: none yet. */
  lastSuccessAgoMs(connection: ConnectionKey): number {
    return this.clock.now() - this.healths.of(connection).lastSuccessAt;
  }

  /** Providers also limit how many calls are under way at once. */
  private async inTurn<T>(connection: ConnectionKey, call: () => Promise<T>): Promise<T> {
    const name = `${connection.source} ${connection.connectionId}`;
    const { maxConcurrentCalls } = this.options.sources[connection.source]!;
    const line = this.lines.get(name) ?? { slots: new Slots(maxConcurrentCalls), calls: 0 };
    this.lines.set(name, line);
    line.calls += 1;
    try {
      return await line.slots.run(call);
    } finally {
      line.calls -= 1;
      if (line.calls === 0) this.lines.delete(name);
    }
  }

  private async answered(connection: ConnectionKey, health: ConnectionHealth): Promise<void> {
    health.lastSuccessAt = this.clock.now();
    health.rateLimits = 0;
    if (health.outages > 0) this.logger.log(`${connection.source}/${connection.connectionId} answers again`);
    health.unanswered.clear();
    if (health.outages > 0) await this.budget.recovered(connection);
    health.outages = 0;
  }

  private async failed(
    connection: ConnectionKey,
    health: ConnectionHealth,
    about: string,
    error: unknown,
  ): Promise<FailedCall> {
    const { source } = connection;
    if (!(error instanceof ProviderError)) {
      // A connector that breaks its contract must not break the pass.
      this.logger.error(`the ${source} connector failed unexpectedly: ${String(error)}`);
      return { outcome: 'failed', failure: 'rejected', message: String(error), pausedMs: 0 };
    }
    const { failure, message } = error;
    let pausedMs = 0;
    if (failure === 'rate-limited') {
      pausedMs = this.pauseMs(connection, health, error);
      await this.budget.pause(connection, pausedMs, 'rate-limited');
    }
    if (failure === 'unavailable') await this.unanswered(connection, health, about, message);
    return { outcome: 'failed', failure, message, pausedMs };
  }

  /** Nothing is asked of a provider that is away: it would cost everybody's time, and it has enough to do coming back. */
  private async unanswered(
    connection: ConnectionKey,
    health: ConnectionHealth,
    about: string,
    message: string,
  ): Promise<void> {
    const now = this.clock.now();
    health.unanswered.add(about);
    if (health.unanswered.size < UNANSWERED || now < health.pausedUntil) return;
    const forMs = Math.min(FIRST_OUTAGE_MS * 2 ** health.outages, LONGEST_OUTAGE_MS);
    health.outages += 1;
    health.pausedUntil = now + forMs;
    await this.budget.pause(connection, forMs, 'provider-unavailable');
    const { source, connectionId } = connection;
    this.logger.warn(
      `${source}/${connectionId} does not answer, and is asked again in ${forMs} ms: ${message}`,
    );
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
