import type { StripeApiError } from './api-error.js';
import type { StripeParams } from './stripe-object.js';

/** One request as the log keeps it. */
export interface ApiRequestEntry {
  readonly method: string;
  /** Without the query: `/v1/invoices/in_1`. */
  readonly path: string;
  /** The query's parameters, decoded. */
  readonly query: StripeParams;
  /** From `Stripe-Account` (or `Stripe-Context`); `null` for the platform's own. */
  readonly account: string | null;
  readonly idempotencyKey: string | null;
  /** When it arrived, by the fake's clock. */
  readonly at: Date;
  /** The HTTP status of the answer; `null` until it is sent, 0 if the connection was cut instead. */
  status: number | null;
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

/** An answer on its way out. An object body is sent as JSON, text as HTML. */
export interface ApiAnswer {
  readonly status: number;
  readonly body: object | string;
  readonly headers?: Readonly<Record<string, string>>;
}
