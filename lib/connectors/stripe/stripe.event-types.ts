import type Stripe from 'stripe';

/** Every type of (snapshot) event that the SDK knows: `invoice.payment_failed`. */
export type StripeEventType = Stripe.Event['type'];

/** An event type, or a pattern in which `*` stands for any run of characters: `invoice.*`, `*.deleted`, `*`. */
export type StripeEventPattern = StripeEventType | `${string}*${string}`;

/** The event types that a pattern fits; `never` if there are none. */
export type StripeEventTypesOf<P extends string> = P extends StripeEventType
  ? P
  : Extract<StripeEventType, TemplateOf<P>>;

/** The event that a pattern stands for, a union if it fits several: `StripeEventOf<'invoice.paid'>`. */
export type StripeEventOf<P extends string> = EventsByType[StripeEventTypesOf<P>];

/** Those of several patterns that fit no event. */
export type UnknownPattern<P extends string> = P extends unknown
  ? [StripeEventTypesOf<P>] extends [never]
    ? P
    : never
  : never;

// A lookup by key, where Extract<Stripe.Event, ...> would compare all events each time.
type EventsByType = { [E in Stripe.Event as E['type']]: E };

type TemplateOf<P extends string> = P extends `${infer Head}*${infer Tail}`
  ? `${Head}${string}${TemplateOf<Tail>}`
  : P;
