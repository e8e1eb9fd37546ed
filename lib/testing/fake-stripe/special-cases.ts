import { notInThisState } from './api-error.js';
import { remove } from './effects.js';
import { finalizeInvoice, payInvoice } from './lifecycles/invoices.js';
import { cancelSubscription, createSubscription } from './lifecycles/subscriptions.js';
import type { NewSubscription } from './lifecycles/subscriptions.js';
import type { ChangeOptions, StripeState } from './state.js';
import { isPlainObject } from './stripe-object.js';
import type { StripeObject, StripeParams } from './stripe-object.js';

/** A request that changes an object. `id` is empty for a create. */
export interface ChangeRequest {
  readonly state: StripeState;
  readonly id: string;
  readonly params: StripeParams;
  readonly options: ChangeOptions;
}

/** Requests that do more than set fields, by `<type> <verb>`: `create`, `delete` or an action's name. */
export const specialCases: Readonly<Record<string, (request: ChangeRequest) => StripeObject>> = {
  'invoice delete': ({ state, id, options }) => {
    const invoice = state.objects.get('invoice', id, options.account ?? null);
    if (invoice.status === 'draft') return remove(state, 'invoice', id, options);
    throw notInThisState('invoice_not_editable', 'Only a draft can be deleted.');
  },
  'invoice finalize': ({ state, id, options }) => finalizeInvoice(state, id, options),
  'invoice pay': ({ state, id, options }) => payInvoice(state, id, options),

  'subscription create': ({ state, params, options }) => {
    const { items, payment_behavior: behavior, trial_period_days: trialDays, ...fields } = params;
    const [first, ...more] = Array.isArray(items) ? items.filter(isPlainObject) : [];
    const payment = behavior === 'default_incomplete' ? 'pending' : 'succeeds';
    const given = {
      ...fields,
      price: first?.price,
      quantity: first?.quantity ?? 1,
      payment,
      trialDays: trialDays ?? 0,
    } as unknown as NewSubscription;
    const { subscription } = createSubscription(state, given, options);
    return more.length > 0
      ? state.update('subscription', subscription.id, { items: more }, options)
      : subscription;
  },
  'subscription delete': ({ state, id, options }) => cancelSubscription(state, id, {}, options),
};
