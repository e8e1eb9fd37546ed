import type { EventHandlerOptions } from '../../handlers/handler.options.js';
import { OnSyncEvent } from '../../handlers/on-sync-event.decorator.js';
import type { SyncContext } from '../../handlers/sync.context.js';
import type { SyncEvent } from '../../model/event.js';
import type { StripeEventOf, StripeEventPattern, UnknownPattern } from './stripe.event-types.js';
import type { StripeHandlerOptions, TypedMethodDecorator } from './stripe.handler-options.js';

/** Options of `@OnStripeEvent`. `T`: what the event is about. */
export type OnStripeEventOptions<T> = StripeHandlerOptions<EventHandlerOptions<T>, T>;

/**
 * The method is called for every Stripe event of these types, as `OnSyncEvent` says. The compiler holds the method
 * against them: `(event: SyncEvent<Stripe.InvoicePaymentFailedEvent>, context: SyncContext)` for
 * `'invoice.payment_failed'`, a union where several fit. A type or pattern that fits no event does not compile.
 *
 * `event.payload` is in the API version of the webhook endpoint, `context.record.data` in the source's; decimals are
 * strings in both, whatever the SDK's types say. Types that the SDK does not know, and thin events, are `OnSyncEvent`'s.
 *
 * @param pattern one or several types, in which `*` stands for any run of characters: `'invoice.*'`
 */
export function OnStripeEvent<P extends StripeEventPattern>(
  pattern: (P | readonly P[]) &
    ([UnknownPattern<P>] extends [never] ? unknown : { noSuchEvent: UnknownPattern<P> }),
  options: OnStripeEventOptions<StripeEventOf<P>['data']['object']> = {},
): TypedMethodDecorator<
  [event: SyncEvent<StripeEventOf<P>>, context: SyncContext<StripeEventOf<P>['data']['object']>]
> {
  return OnSyncEvent(
    { provider: 'stripe', source: options?.source },
    pattern,
    options as EventHandlerOptions,
  );
}
