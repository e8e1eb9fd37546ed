export { stripe } from './stripe.source.js';
export type { StripeConnectionOptions, StripeOptions } from './stripe.options.js';
export { OnStripeChange, type OnStripeChangeOptions } from './on-stripe-change.decorator.js';
export { OnStripeEvent, type OnStripeEventOptions } from './on-stripe-event.decorator.js';
export type { StripeEventOf, StripeEventPattern, StripeEventType } from './stripe.event-types.js';
export type { StripeRequirement } from './stripe.handler-options.js';
export type { StripeResource, StripeResourceName, StripeResources } from './stripe.resources.js';
