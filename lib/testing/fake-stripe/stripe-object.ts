/**
 * An object as the API shows it: `id`, `object` (the type, `customer`), `created` in seconds, and what the type has.
 *
 * Loose on purpose, since this kit does not import the SDK; cast where you want its types:
 * `stripe.create('customer') as Stripe.Customer`.
 */
export interface StripeObject {
  id: string;
  object: string;
  [field: string]: any;
}

/** Fields to create or change an object with, as the API takes them but with real numbers, booleans and nulls. */
export type StripeParams = Record<string, unknown>;

/** A list as the API shows it. */
export interface StripeList {
  object: 'list';
  data: StripeObject[];
  has_more: boolean;
  /** The path that pages this list. */
  url: string;
}

/** An event as it is in the log and in a webhook's body. `data` is frozen when the event is made. */
export interface StripeEvent extends StripeObject {
  object: 'event';
  type: string;
  api_version: string;
  created: number;
  livemode: false;
  /** Set for an event of a connected account. */
  account?: string;
  /** How many endpoints have not acknowledged it yet: 0 or 1. */
  pending_webhooks: number;
  request: { id: string | null; idempotency_key: string | null };
  data: { object: Record<string, unknown>; previous_attributes?: Record<string, unknown> };
}

/** True for a plain JSON object; false for arrays and null. */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** True for an embedded list. */
export function isList(value: unknown): value is StripeList {
  return isPlainObject(value) && value.object === 'list' && Array.isArray(value.data);
}
