export { stripeChange, type StripeChangeParts } from './stripe-change.js';
export { stripeEvent, type StripeEventParts } from './stripe-event.js';
export { stripeRecord, type StripeRecordParts } from './stripe-record.js';
export type { PartialOf } from './partial.js';
