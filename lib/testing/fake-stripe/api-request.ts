import type { RequestEntry } from '../fake-provider/api-request.js';
import type { StripeApiError } from './api-error.js';
import type { StripeParams } from './stripe-object.js';

/** One request as the log keeps it: its `path` is `/v1/invoices/in_1`. */
export interface ApiRequestEntry extends RequestEntry {
  /** The query's parameters, decoded. */
  readonly query: StripeParams;
  /** From `Stripe-Account` (or `Stripe-Context`); `null` for the platform's own. */
  readonly account: string | null;
  readonly idempotencyKey: string | null;
}

/** A request with what the log does not keep. */
export interface ApiRequest {
  readonly id: string;
  readonly entry: ApiRequestEntry;
  /** The header, which has the API key. */
  readonly authorization: string | null;
  /** The API version it asks for. Answers name it and have the newest shapes all the same. */
  readonly version: string;
  /** The body's parameters, decoded. */
  readonly params: StripeParams;
  /** Why query or body could not be decoded. */
  readonly invalid: StripeApiError | null;
  /** The body as it came, to tell one request from another under the same idempotency key. */
  readonly text: string;
}
