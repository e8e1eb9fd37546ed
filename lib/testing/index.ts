export { FakeStripe } from './fake-stripe/fake-stripe.js';
export type { StepOptions } from './fake-stripe/fake-stripe.js';
export type { FakeStripeOptions } from './fake-stripe/fake-stripe.options.js';
export type { ApiRequestEntry } from './fake-stripe/api-request.js';
export { StripeApiError } from './fake-stripe/api-error.js';
export type { CallLog, LogMatch } from './fake-provider/call-log.js';
export type { Faults, RateLimitFault, StripeRequestFailure } from './fake-stripe/faults.js';
export type { RequestEntry } from './fake-provider/api-request.js';
export { RequestFaults, type Delay, type RequestFailure } from './fake-provider/request-faults.js';
export type { HeldRequest, HoldPoint } from './fake-provider/gates.js';
export type { NewSubscription, PaymentOutcome } from './fake-stripe/lifecycles/subscriptions.js';
export type { ChangeOptions } from './fake-stripe/state.js';
export type { StripeEvent, StripeList, StripeObject, StripeParams } from './fake-stripe/stripe-object.js';
export type { DeliveryEntry } from './fake-stripe/webhook-sender.js';
export { signedDelivery } from './signed-delivery.js';
export type { SignedDelivery, SignedDeliveryOptions } from './signed-delivery.js';
export { TestClock } from './test-clock.js';

export { syncChange } from './handler/sync-change.js';
export { syncContext, type SyncContextParts } from './handler/sync-context.js';
export { syncEvent, type SyncEventParts } from './handler/sync-event.js';
export type { RecordParts } from './handler/sync-record.js';

export type { EventFilter, EventReport } from './application/event-report.js';
export { SyncTesting, type SyncTestingOptions } from './application/sync-testing.js';
export { OutsideWriteError } from './outside-writes/outside-write.error.js';
export type { WriteStatement } from './outside-writes/write-statement.js';
