import type Stripe from 'stripe';
import { FakeStripe } from 'nestjs-hybrid-sync/testing';
import { errorOf, sdkFor } from './fake-stripe-sdk.js';

const START = Date.parse('2030-01-01T00:00:00Z');
const SECOND = 1_000;
const DAY = 86_400_000;

let fake: FakeStripe;
let sdk: Stripe;
let now: number;

beforeEach(async () => {
  now = START;
  fake = await FakeStripe.start({ now: () => new Date(now) });
  sdk = sdkFor(fake);
});
afterEach(() => fake.close());

/** One customer a second, oldest first. */
function customers(count: number): string[] {
  return Array.from({ length: count }, (_, index) => {
    now = START + index * SECOND;
    return fake.create('customer', { email: `${index % 2 ? 'odd' : 'even'}@example.com` }).id;
  });
}

async function idsOf(list: Stripe.ApiListPromise<{ id: string }>): Promise<string[]> {
  return (await list).data.map(({ id }) => id);
}

describe('a list', () => {
  it('is newest first, ten at a time unless asked, and says where it is', async () => {
    const ids = customers(12).reverse();
    const page = await sdk.customers.list();
    expect(page).toMatchObject({ object: 'list', url: '/v1/customers', has_more: true });
    expect(page.data.map(({ id }) => id)).toEqual(ids.slice(0, 10));
    expect(await sdk.customers.list({ limit: 12 })).toMatchObject({ has_more: false });
    expect(await idsOf(sdk.customers.list({ limit: 3, starting_after: ids[4] }))).toEqual(ids.slice(5, 8));
    expect(await idsOf(sdk.customers.list({ limit: 3, ending_before: ids[4] }))).toEqual(ids.slice(1, 4));
    expect((await sdk.customers.list({ limit: 4, ending_before: ids[4] })).has_more).toBe(false);
  });

  it('keeps the order of arrival within a second, and takes backdated objects in where they belong', async () => {
    const [first, second] = [fake.create('customer'), fake.create('customer')];
    const old = fake.create('customer', { created: START / 1000 - 5 });
    expect(await idsOf(sdk.customers.list())).toEqual([second.id, first.id, old.id]);
  });

  it('can be walked by the SDK in both directions', async () => {
    const ids = customers(25);
    const down: string[] = [];
    for await (const { id } of sdk.customers.list({ limit: 4 })) down.push(id);
    expect(down).toEqual([...ids].reverse());
    const up: string[] = [];
    for await (const { id } of sdk.customers.list({ limit: 4, ending_before: ids[0] })) up.push(id);
    expect(up).toEqual(ids.slice(1));
  });

  it.each([0, 101, 1.5])('refuses the limit %s', async (limit) => {
    expect(await errorOf(sdk.customers.list({ limit }))).toMatchObject({ statusCode: 400, param: 'limit' });
  });

  it('refuses two cursors, and one that names nothing or what was deleted', async () => {
    const [a, b] = customers(3);
    expect((await errorOf(sdk.customers.list({ starting_after: a, ending_before: b }))).statusCode).toBe(400);
    fake.delete('customer', b!);
    for (const starting_after of ['cus_nobody', b]) {
      const error = await errorOf(sdk.customers.list({ starting_after }));
      expect(error).toMatchObject({ statusCode: 400, code: 'resource_missing', param: 'starting_after' });
    }
    expect((await sdk.customers.list()).data).toHaveLength(2);
  });

  it('filters', async () => {
    const ids = customers(4);
    expect(await idsOf(sdk.customers.list({ email: 'odd@example.com' }))).toEqual([ids[3], ids[1]]);
    const charge = fake.create('charge', { amount: 100, customer: ids[0] });
    fake.create('charge', { amount: 100, customer: ids[1] });
    expect(await idsOf(sdk.charges.list({ customer: ids[0] }))).toEqual([charge.id]);
    const monthly = fake.create('price', {
      recurring: { interval: 'month' },
      lookup_key: 'm',
      active: false,
    });
    const yearly = fake.create('price', { recurring: { interval: 'year' }, lookup_key: 'y' });
    expect(await idsOf(sdk.prices.list({ recurring: { interval: 'year' } }))).toEqual([yearly.id]);
    expect(await idsOf(sdk.prices.list({ lookup_keys: ['m', 'x'] }))).toEqual([monthly.id]);
    expect(await idsOf(sdk.prices.list({ active: false }))).toEqual([monthly.id]);
  });

  it('filters by created, at whole seconds', async () => {
    const ids = customers(5);
    const at = (index: number): number => START / 1000 + index;
    const within = (created: Stripe.RangeQueryParam | number) => idsOf(sdk.customers.list({ created }));
    expect(await within({ gt: at(1), lte: at(3) })).toEqual([ids[3], ids[2]]);
    expect(await within({ gte: at(1), lt: at(3) })).toEqual([ids[2], ids[1]]);
    expect(await within(at(4))).toEqual([ids[4]]);
    expect(await within({ gt: at(9) })).toEqual([]);
    const beyond = sdk.customers.list({ created: { lt: at(3) }, starting_after: ids[4] });
    expect(await idsOf(beyond)).toEqual([ids[2], ids[1], ids[0]]);
  });

  it('takes created only where Stripe does', async () => {
    const { id: customer } = fake.create('customer');
    const paths = [`/v1/payment_methods?customer=${customer}`, '/v1/quotes?limit=1'];
    for (const path of paths) {
      expect(await sdk.rawRequest('GET', path)).toMatchObject({ object: 'list' });
      const error = await errorOf(sdk.rawRequest('GET', `${path}&created[gt]=5`));
      expect(error).toMatchObject({ statusCode: 400, code: 'parameter_unknown', param: 'created' });
    }
    const bound = await errorOf(sdk.rawRequest('GET', '/v1/customers?created[since]=5'));
    expect(bound).toMatchObject({ code: 'parameter_unknown', param: 'created[since]' });
    expect(await errorOf(sdk.paymentMethods.list())).toMatchObject({ param: 'customer' });
  });
});

describe('the list of subscriptions', () => {
  it('leaves cancelled ones out unless asked for', async () => {
    const { id: customer } = fake.create('customer');
    const [active, gone] = [
      fake.create('subscription', { customer }),
      fake.create('subscription', { customer }),
    ];
    fake.cancelSubscription(gone.id);
    expect(await idsOf(sdk.subscriptions.list())).toEqual([active.id]);
    expect(await idsOf(sdk.subscriptions.list({ status: 'all' }))).toEqual([gone.id, active.id]);
    expect(await idsOf(sdk.subscriptions.list({ status: 'canceled' }))).toEqual([gone.id]);
    expect(await idsOf(sdk.subscriptions.list({ status: 'ended' }))).toEqual([gone.id]);
    expect(await sdk.subscriptions.retrieve(gone.id)).toMatchObject({ status: 'canceled' });
  });
});

describe('a list in an object', () => {
  it('is cut at ten, and its url pages the rest', async () => {
    const { id: customer } = fake.create('customer');
    const lines = Array.from({ length: 23 }, (_, index) => ({ amount: 100, description: `line ${index}` }));
    const invoice = fake.create('invoice', { customer, lines });
    const read = await sdk.invoices.retrieve(invoice.id);
    expect(read.total).toBe(2300);
    expect(read.lines).toMatchObject({ has_more: true, url: `/v1/invoices/${invoice.id}/lines` });
    expect(read.lines.data).toHaveLength(10);
    const odd = await errorOf(sdk.rawRequest('GET', `/v1/invoices/${invoice.id}/lines?status=open`));
    expect(odd).toMatchObject({ code: 'parameter_unknown', param: 'status' });
    const all = await sdk.invoices.listLineItems(invoice.id, { limit: 5 }).autoPagingToArray({ limit: 100 });
    expect(all.map(({ description }) => description)).toEqual(lines.map(({ description }) => description));
    const [event] = fake.all('event').filter(({ type }) => type === 'invoice.created');
    expect(event?.data.object.lines.data).toHaveLength(10);
    expect((await sdk.invoices.list()).data[0]?.lines.data).toHaveLength(10);
  });

  it('pages items, refunds and reversals as well', async () => {
    const price = fake.create('price', { unit_amount: 100, recurring: { interval: 'month' } });
    const { id: customer } = fake.create('customer');
    const items = Array.from({ length: 12 }, () => ({ price: price.id }));
    const subscription = fake.create('subscription', { customer, items });
    const read = await sdk.subscriptions.retrieve(subscription.id);
    expect([read.items.data.length, read.items.has_more]).toEqual([10, true]);
    const rest = await sdk.rawRequest('GET', `${read.items.url}&starting_after=${read.items.data[9]?.id}`);
    expect(rest).toMatchObject({ has_more: false, data: [{ price: { id: price.id } }, {}] });

    const charge = fake.create('charge', { amount: 1_000 });
    for (let n = 0; n < 11; n++) fake.create('refund', { charge: charge.id, amount: 10 });
    const { refunds } = await sdk.charges.retrieve(charge.id, { expand: ['refunds'] });
    expect([refunds?.data.length, refunds?.has_more]).toEqual([10, true]);
    expect(await sdk.rawRequest('GET', `${refunds?.url}?limit=100`)).toMatchObject({ has_more: false });

    const transfer = fake.create('transfer', { amount: 100, destination: 'acct_1' });
    fake.create('transfer_reversal', { transfer: transfer.id, amount: 5 });
    expect((await sdk.transfers.retrieve(transfer.id)).reversals.data).toMatchObject([{ amount: 5 }]);
    expect((await sdk.transfers.listReversals(transfer.id)).data).toHaveLength(1);
  });
});

describe('the list of events', () => {
  it('is walked in the order of events with ending_before', async () => {
    customers(30);
    const [first] = fake.all('event');
    const walked: Stripe.Event[] = [];
    for await (const event of sdk.events.list({ ending_before: first!.id, limit: 7 })) walked.push(event);
    expect(walked.map(({ id }) => id)).toEqual(
      fake
        .all('event')
        .slice(1)
        .map(({ id }) => id),
    );
    expect(new Set(walked.map(({ id }) => id)).size).toBe(29);
    expect(walked[0]).toMatchObject({ object: 'event', api_version: '2026-10-28.endive', livemode: false });
    expect(await sdk.events.retrieve(first!.id)).toEqual(first);
  });

  it('takes type with a star, or up to 20 types, but not both', async () => {
    const { id } = fake.create('customer');
    fake.update('customer', id, { name: 'n' });
    fake.create('product');
    const types = async (params: Stripe.EventListParams) =>
      (await sdk.events.list(params)).data.map(({ type }) => type);
    expect(await types({ type: 'customer.*' })).toEqual(['customer.updated', 'customer.created']);
    expect(await types({ type: '*.created' })).toEqual(['product.created', 'customer.created']);
    expect(await types({ type: 'customer' })).toEqual([]);
    expect(await types({ types: ['customer.updated', 'product.created'] })).toHaveLength(2);
    expect((await errorOf(sdk.events.list({ type: 'a', types: ['b'] }))).statusCode).toBe(400);
    const many = Array.from({ length: 21 }, (_, index) => `type.${index}`);
    expect((await errorOf(sdk.events.list({ types: many }))).statusCode).toBe(400);
  });

  it('forgets after 30 days, cursors too', async () => {
    customers(1);
    const [old] = fake.all('event');
    now = START + 31 * DAY;
    fake.create('customer');
    expect((await sdk.events.list()).data).toHaveLength(1);
    expect((await errorOf(sdk.events.retrieve(old!.id))).statusCode).toBe(404);
    const error = await errorOf(sdk.events.list({ ending_before: old!.id }));
    expect(error).toMatchObject({ statusCode: 400, code: 'resource_missing' });
  });
});
