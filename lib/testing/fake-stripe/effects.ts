import type { ChangeOptions, StripeState } from './state.js';
import { isList } from './stripe-object.js';
import type { StripeObject, StripeParams } from './stripe-object.js';
import { addItem, changeItem, removeItem } from './lifecycles/subscription-items.js';
import { cancelSubscription } from './lifecycles/subscriptions.js';

/**
 * Creates an object, and does to others what Stripe does with it: a refund is taken off its charge, an invoice item put
 * on its draft invoice.
 */
export function create(
  state: StripeState,
  type: string,
  params: StripeParams,
  options: ChangeOptions,
): StripeObject {
  if (type === 'subscription_item') return addItem(state, params, options);
  const object = state.create(type, params, options);
  const further = { ...options, types: undefined };
  if (type === 'refund') takeOffCharge(state, object, further);
  if (type === 'invoiceitem') putOnInvoice(state, object, further);
  return object;
}

/** Changes an object; an item by way of its subscription. */
export function update(
  state: StripeState,
  type: string,
  id: string,
  patch: StripeParams,
  options: ChangeOptions,
): StripeObject {
  if (type === 'subscription_item') return changeItem(state, id, patch, options);
  return state.update(type, id, patch, options);
}

/**
 * Deletes an object. A subscription is cancelled, since Stripe's DELETE means that; a deleted customer's subscriptions are
 * cancelled first.
 */
export function remove(state: StripeState, type: string, id: string, options: ChangeOptions): StripeObject {
  if (type === 'subscription') return cancelSubscription(state, id, {}, options);
  if (type === 'subscription_item') return removeItem(state, id, options);
  if (type === 'customer') {
    const account = options.account ?? null;
    const shelf = state.objects.shelf(state.objects.table.ofType('subscription'), account);
    for (let at = 0; at < shelf.length; at++) {
      const subscription = shelf.at(at);
      if (subscription?.customer === id && subscription.status !== 'canceled') {
        cancelSubscription(state, subscription.id, {}, { ...options, types: undefined });
      }
    }
  }
  return state.remove(type, id, options);
}

function takeOffCharge(state: StripeState, refund: StripeObject, options: ChangeOptions): void {
  const charge = state.objects.find('charge', refund.charge, options.account ?? null);
  if (!charge || refund.status === 'failed') return;
  const refunded = Number(charge.amount_refunded) + Number(refund.amount);
  const change = { amount_refunded: refunded, refunded: refunded >= charge.amount };
  state.update('charge', charge.id, change, { ...options, types: ['charge.refunded'] });
}

function putOnInvoice(state: StripeState, item: StripeObject, options: ChangeOptions): void {
  const invoice = state.objects.find('invoice', item.invoice, options.account ?? null);
  if (!invoice || invoice.status !== 'draft' || !isList(invoice.lines)) return;
  const line = {
    amount: item.amount,
    description: item.description,
    metadata: item.metadata,
    parent: {
      type: 'invoice_item_details',
      invoice_item_details: { invoice_item: item.id, proration: false, subscription: null },
    },
    quantity: item.quantity,
  };
  state.update('invoice', invoice.id, { lines: [...invoice.lines.data, line] }, options);
}
