import type { ChangeHandlerOptions } from '../../handlers/handler.options.js';
import { OnSyncChange } from '../../handlers/on-sync-change.decorator.js';
import type { SyncContext } from '../../handlers/sync.context.js';
import type { SyncChange } from '../../model/change.js';
import type { StripeHandlerOptions, TypedMethodDecorator } from './stripe.handler-options.js';
import type { StripeResource, StripeResourceName } from './stripe.resources.js';

/** Options of `@OnStripeChange`. `T`: the record's type. */
export type OnStripeChangeOptions<T> = StripeHandlerOptions<ChangeHandlerOptions<T>, T>;

/**
 * The method is called with the newest state of every Stripe record of a kind, as `OnSyncChange` says. The compiler
 * holds the method against it: `(change: SyncChange<Stripe.Invoice>, context: SyncContext)` for `'invoice'`. What
 * Stripe's API cannot be asked for (`discount`) does not compile: it has events only.
 *
 * Decimals in `change.data` are strings, whatever the SDK's types say.
 *
 * @param resource Stripe's own word for it, the value of `object` in the record
 */
export function OnStripeChange<R extends StripeResourceName>(
  resource: R,
  options: OnStripeChangeOptions<StripeResource<R>> = {},
): TypedMethodDecorator<[change: SyncChange<StripeResource<R>>, context: SyncContext<StripeResource<R>>]> {
  return OnSyncChange(
    { provider: 'stripe', source: options?.source },
    resource,
    options as ChangeHandlerOptions,
  );
}
