import { Inject, Injectable } from '@nestjs/common';
import { Budget } from '../hydrate/budget.js';
import type { CallClass } from '../hydrate/token-bucket.js';
import { ProviderCallService, type FailedCall } from '../hydrate/provider-call.service.js';
import { DEFAULT_CONNECTION } from '../model/record.js';
import type { Target, TargetContext } from '../model/target.js';
import { SyncClock } from '../sync.clock.js';
import { RetryLaterError } from '../sync.errors.js';
import { ResolvedSyncOptions } from '../sync.options.js';

/** How long to wait for a provider that does not answer, or lets nobody in. */
const RETRY_MS = 5_000;

/** What to call a target for: `about` tells calls apart. */
export interface TargetCall<T> {
  readonly forWhat: CallClass;
  readonly about: string;
  request(context: TargetContext): Promise<T>;
}

/** The way to targets: on the budget of the source that a target is a part of, or by itself. */
@Injectable()
export class TargetCallService {
  constructor(
    private readonly calls: ProviderCallService,
    private readonly budget: Budget,
    private readonly clock: SyncClock,
    @Inject(ResolvedSyncOptions) private readonly options: ResolvedSyncOptions,
  ) {}

  /** One call. @throws RetryLaterError for what is nobody's fault; what else has come of it */
  call<T>(target: Target, call: TargetCall<T>): Promise<T> {
    return target.source === undefined
      ? this.callAlone(call)
      : this.callAt(target.source, target.connectionId ?? DEFAULT_CONNECTION, call);
  }

  /** Its limits are its own too. */
  private callAlone<T>({ request }: TargetCall<T>): Promise<T> {
    const { fetchTimeoutMs: timeoutMs } = this.options;
    const signal = AbortSignal.timeout(timeoutMs);
    return request({ connector: undefined, signal, timeoutMs, nowMs: this.clock.now() });
  }

  private async callAt<T>(
    source: string,
    connectionId: string,
    { forWhat, about, request }: TargetCall<T>,
  ): Promise<T> {
    const connection = { source, connectionId };
    const { connector } = this.options.sources[source]!;
    const grant = await this.budget.take(connection, 1, forWhat);
    if (grant.granted === 0)
      throw new RetryLaterError({ afterMs: grant.retryInMs }, `${source}: ${grant.reason ?? 'budget'}`);
    const result = await this.calls.call(connection, about, (options) => request({ connector, ...options }));
    if (result.outcome === 'failed') throw errorOf(result);
    return result.answer;
  }
}

/** What is not this row's fault uses none of its attempts. */
function errorOf({ failure, message, pausedMs }: FailedCall): Error {
  if (failure === 'rejected') return new Error(message);
  return new RetryLaterError(
    { afterMs: Math.max(pausedMs, failure === 'rate-limited' ? 0 : RETRY_MS) },
    message,
  );
}
