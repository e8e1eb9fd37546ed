import { noSuchObject } from '../api-error.js';
import type { ChangeOptions, StripeState } from '../state.js';
import { isList } from '../stripe-object.js';
import type { StripeObject, StripeParams } from '../stripe-object.js';

/** Adds an item to a subscription, which is what changes: `customer.subscription.updated`. @throws StripeApiError 404 */
export function addItem(state: StripeState, params: StripeParams, options: ChangeOptions): StripeObject {
  const { subscription, ...item } = params;
  const id = String(subscription);
  const known = new Set(itemsOf(state.objects.get('subscription', id, options.account ?? null)));
  const updated = state.update('subscription', id, { items: [item] }, options);
  return itemsOf(updated).find((row) => !known.has(row)) as StripeObject;
}

/** Changes an item of a subscription. @throws StripeApiError 404 */
export function changeItem(
  state: StripeState,
  id: string,
  params: StripeParams,
  options: ChangeOptions,
): StripeObject {
  reviseItem(state, id, params, options);
  return state.objects.get('subscription_item', id, options.account ?? null);
}

/** Takes an item out of a subscription. @throws StripeApiError 404 */
export function removeItem(state: StripeState, id: string, options: ChangeOptions): StripeObject {
  reviseItem(state, id, { deleted: true }, options);
  return { id, object: 'subscription_item', deleted: true };
}

function reviseItem(state: StripeState, id: string, params: StripeParams, options: ChangeOptions): void {
  const item = state.objects.find('subscription_item', id, options.account ?? null);
  if (!item) throw noSuchObject('subscription_item', id);
  state.update('subscription', item.subscription, { items: [{ ...params, id }] }, options);
}

function itemsOf(subscription: StripeObject): StripeObject[] {
  return isList(subscription.items) ? subscription.items.data : [];
}
