import { noSuchParameterObject } from '../api-error.js';
import type { Making } from '../resource.js';
import { isList, isPlainObject } from '../stripe-object.js';
import type { StripeList, StripeObject, StripeParams } from '../stripe-object.js';

/** The end of a billing period that begins at `start` (seconds): months and years by the calendar, in UTC. */
export function periodEnd(
  start: number,
  recurring: { interval?: string; interval_count?: number } | null,
): number {
  const count = recurring?.interval_count ?? 1;
  const end = new Date(start * 1000);
  if (recurring?.interval === 'day') end.setUTCDate(end.getUTCDate() + count);
  else if (recurring?.interval === 'week') end.setUTCDate(end.getUTCDate() + 7 * count);
  else if (recurring?.interval === 'year') end.setUTCFullYear(end.getUTCFullYear() + count);
  else end.setUTCMonth(end.getUTCMonth() + count);
  return Math.floor(end.getTime() / 1000);
}

/** The `items` of a subscription after `items` of a create or update: matched by id, `deleted: true` takes one out. */
export function reviseItems(
  given: unknown,
  before: readonly StripeObject[],
  subscription: string,
  making: Making,
): StripeList {
  const items = new Map(before.map((item) => [item.id, item]));
  for (const params of givenItems(given)) {
    const id = typeof params.id === 'string' ? params.id : making.id('si_');
    if (params.deleted === true) items.delete(id);
    else items.set(id, buildItem({ ...params, id }, items.get(id), subscription, making));
  }
  return {
    object: 'list',
    data: [...items.values()],
    has_more: false,
    url: `/v1/subscription_items?subscription=${subscription}`,
  };
}

function givenItems(given: unknown): StripeParams[] {
  const items = isList(given) ? given.data : given;
  return Array.isArray(items) ? items.filter(isPlainObject) : [];
}

function buildItem(
  params: StripeParams & { id: string },
  before: StripeObject | undefined,
  subscription: string,
  making: Making,
): StripeObject {
  const price = isPlainObject(params.price) ? params.price : priceOf(params.price, before, making);
  return {
    object: 'subscription_item',
    created: making.now,
    // Since 2025-03-31 the period stands here, and no longer on the subscription.
    current_period_start: making.now,
    current_period_end: periodEnd(making.now, isPlainObject(price?.recurring) ? price.recurring : null),
    billing_thresholds: null,
    discounts: [],
    metadata: {},
    quantity: 1,
    tax_rates: [],
    ...before,
    ...params,
    price,
    subscription,
  };
}

function priceOf(id: unknown, before: StripeObject | undefined, making: Making): StripeParams | null {
  if (id === undefined) return before?.price ?? null;
  const price = making.find('price', id);
  if (!price) throw noSuchParameterObject('price', String(id), 'items[price]');
  return price;
}
