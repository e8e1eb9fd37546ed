import { RequestFaults, type Delay, type RequestFailure } from '../fake-provider/request-faults.js';
import { StripeApiError, rateLimited, wrongKey } from './api-error.js';
import type { ApiRequestEntry } from './api-request.js';
import type { View } from './shelf.js';

/** 429 answers. */
export interface RateLimitFault {
  /** How many requests each account may make within a second of the fake's clock. */
  perSecond?: number;
  /** How many of the next requests are refused, whatever the rate. Counts down. */
  next?: number;
  /**
   * `Stripe-Rate-Limited-Reason`; `null` is a lock on the object, `code: 'lock_timeout'` without the header.
   * @default 'global-rate'
   */
  reason?: string | null;
}

/** How requests to a FakeStripe fail. */
export interface StripeRequestFailure extends RequestFailure {
  /** `error.type`. @default 'api_error', and 'invalid_request_error' below 500 */
  type?: string;
  /**
   * The whole body, instead of `{ error }`; text is sent as HTML. stripe-node takes any JSON without the key `error` for a
   * success, whatever the status: `{ status: 500, body: { message: 'internal' } }` tries how its caller takes that.
   */
  body?: object | string;
  /**
   * Cut the connection instead of answering. stripe-node tries again once by itself, even with `maxNetworkRetries: 0`:
   * take `times: 2` for a failure that its caller sees.
   */
  disconnect?: boolean;
}

/**
 * What goes wrong. Nothing does by default; every field can be set at any time and holds from then on.
 *
 * Rates are chances from 0 to 1. Whether a webhook is dropped or doubled, and how long it is delayed, depends only on the
 * seed and its event's id, so the same run has the same faults.
 */
export class Faults extends RequestFaults<ApiRequestEntry, StripeRequestFailure> {
  /** Webhooks that never come. The event stays in the log, as not delivered. */
  dropRate = 0;
  /** Webhooks that come once more after they were acknowledged, with a new signature. */
  duplicateRate = 0;
  /** Hold about half of the webhooks back until a later one has been answered (at most 50 ms). */
  reorder = false;
  /** How late the first attempt of each webhook is. */
  delayMs: Delay = 0;

  rateLimit: RateLimitFault | null = null;
  /** So many next reads of single objects give the version before the newest; 404 if there is only one. Counts down. */
  staleReads = 0;
  /** Reads of single objects give the state as it was so long ago, by the fake's clock. */
  staleReadMs = 0;
  /** Lists of objects give the state as it was so long ago, by the fake's clock. Lists of events are not concerned. */
  staleListMs = 0;
  /** Events are missing from `GET /v1/events` for so long, by the fake's clock. */
  eventLagMs = 0;

  private recent = new Map<string | null, number[]>();

  /** Refuses a request that the faults do not let through. @throws StripeApiError @internal */
  admit(request: ApiRequestEntry): void {
    if (this.outage) throw new StripeApiError(503, 'api_error', 'The API is not available.');
    if (this.unauthorized) throw wrongKey('sk_test_revoked');
    const limit = this.rateLimit;
    if (!limit) return;
    if (limit.next) limit.next -= 1;
    else if (!this.overRate(request, limit.perSecond ?? Infinity)) return;
    throw rateLimited(limit.reason === undefined ? 'global-rate' : limit.reason);
  }

  /** What the next read of one object sees. `nowMs`: the fake's clock. @internal */
  viewOfRead(nowMs: number): View {
    if (this.staleReads > 0) {
      this.staleReads -= 1;
      return { previous: true };
    }
    return asOf(nowMs, this.staleReadMs);
  }

  /** What a list sees. @internal */
  viewOfList(type: string, nowMs: number): View {
    return asOf(nowMs, type === 'event' ? this.eventLagMs : this.staleListMs);
  }

  private overRate({ account, at }: ApiRequestEntry, perSecond: number): boolean {
    if (perSecond === Infinity) return false;
    const now = at.getTime();
    const within = (this.recent.get(account) ?? []).filter((earlier) => earlier > now - 1000);
    this.recent.set(account, within);
    if (within.length >= perSecond) return true;
    within.push(now);
    return false;
  }
}

/** `{ error }`, as a failure has it. */
export function failureBody({ type, code, message }: StripeRequestFailure, status: number): object {
  return new StripeApiError(
    status,
    type ?? (status >= 500 ? 'api_error' : 'invalid_request_error'),
    message ?? `Failed on purpose with ${status}.`,
    { code },
  ).toBody();
}

function asOf(nowMs: number, lagMs: number): View {
  return lagMs > 0 ? { asOf: nowMs - lagMs } : {};
}
