import type { FetchOptions } from '../../model/connector.js';
import type { ListedRecord, ListedResource, ListPage, ListRequest } from '../../model/listing.js';
import type { StripeAccess, StripeClient } from './stripe.client.js';
import { failureOf } from './stripe.failure.js';
import { isCutOff } from './stripe.lists.js';
import { STRIPE_PATHS } from './stripe.paths.js';
import { recordIdOf } from './stripe.record-id.js';
import type { StripeResourceName } from './stripe.resources.js';

/**
 * What Stripe lists for a whole account, parents first. `byTime`: with the parameter `created`
 * (docs.stripe.com/api/<resource>/list). Not here, since lists of them take a parent: payment methods, subscription
 * items, a customer's sources.
 */
const LISTS: readonly (readonly [resource: StripeResourceName, byTime: boolean])[] = [
  ['product', true],
  ['price', true],
  ['plan', true],
  ['coupon', true],
  ['promotion_code', true],
  ['tax_rate', true],
  ['shipping_rate', true],
  ['customer', true],
  ['subscription', true],
  ['subscription_schedule', true],
  ['quote', false],
  ['invoiceitem', true],
  ['invoice', true],
  ['setup_intent', true],
  ['payment_intent', true],
  ['charge', true],
  ['refund', true],
  ['dispute', true],
  ['credit_note', true],
  ['checkout.session', true],
  ['topup', true],
  ['transfer', true],
  ['payout', true],
  ['balance_transaction', true],
];

export const STRIPE_LISTABLE: readonly ListedResource[] = LISTS.map(([resource, byTime]) => ({
  resource,
  byTime,
}));

const PAGE_SIZE = '100';

/** What a list leaves out unless it is asked for: canceled subscriptions. */
const EVERYTHING: Readonly<Partial<Record<string, Readonly<Record<string, string>>>>> = {
  subscription: { status: 'all' },
};

/** One page of an account's records of a kind, newest first: `Connector.list`. */
export async function readListing(
  client: StripeClient,
  accessOf: (path: string) => StripeAccess,
  { resource, from, to, page }: ListRequest,
  options: FetchOptions,
): Promise<ListPage> {
  const path = listPathOf(resource);
  const label = `GET ${path}`;
  const query = new URLSearchParams({ limit: PAGE_SIZE, ...EVERYTHING[resource] });
  if (page) query.set('starting_after', page);
  if (isByTime(resource)) {
    if (from) query.set('created[gte]', String(Math.ceil(from.getTime() / 1000)));
    if (to) query.set('created[lt]', String(Math.ceil(to.getTime() / 1000)));
  }
  const { body, answer } = await client.get(
    { ...accessOf(path), path: `${path}?${query.toString()}`, label },
    options,
  );
  const isOk = answer.status !== undefined && answer.status >= 200 && answer.status < 300;
  if (!isOk || body.object !== 'list' || !Array.isArray(body.data)) throw failureOf(answer, label);
  const rows = body.data as Row[];
  const last = rows.at(-1);
  return {
    records: rows.filter((row) => isWithin(row, from, to)).flatMap((row) => recordOf(resource, row)),
    next: body.has_more === true && last ? last.id : null,
    reached: last?.created === undefined ? null : new Date(last.created * 1000),
  };
}

type Row = Readonly<Record<string, unknown>> & { readonly id: string; readonly created?: number };

function listPathOf(resource: string): string {
  return STRIPE_PATHS[resource as StripeResourceName][0]!.replace('/{id}', '');
}

function isByTime(resource: string): boolean {
  return LISTS.some(([name, byTime]) => name === resource && byTime);
}

function isWithin({ created }: Row, from: Date | null, to: Date | null): boolean {
  if (created === undefined) return true;
  const at = created * 1000;
  return (from === null || at >= from.getTime()) && (to === null || at < to.getTime());
}

function recordOf(resource: string, row: Row): ListedRecord[] {
  const id = recordIdOf(resource, row);
  return id === null ? [] : [{ id, data: hasCutOffList(row) ? null : row }];
}

/** A list in it that Stripe has cut off, at any depth. */
function hasCutOffList(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return isCutOff(value) || Object.values(value).some(hasCutOffList);
}
