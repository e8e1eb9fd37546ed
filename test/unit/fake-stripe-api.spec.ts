import Stripe from 'stripe';
import { FakeStripe, StripeApiError } from 'nestjs-hybrid-sync/testing';
import { errorOf, sdkFor } from './fake-stripe-sdk.js';

let fake: FakeStripe;
let sdk: Stripe;

beforeEach(async () => {
  fake = await FakeStripe.start();
  sdk = sdkFor(fake);
});
afterEach(() => fake.close());

function eventTypes(): string[] {
  return fake.all('event').map((event) => event.type);
}

describe('objects', () => {
  it('can be created, read, changed and deleted with the SDK', async () => {
    const created = await sdk.customers.create({ email: 'ada@example.com', metadata: { tier: '1' } });
    expect(created).toMatchObject({ object: 'customer', email: 'ada@example.com', metadata: { tier: '1' } });
    expect(created.id).toMatch(/^cus_\w{14}$/);
    expect(created.created).toBeGreaterThan(1_600_000_000);
    expect(created.livemode).toBe(false);

    expect(await sdk.customers.retrieve(created.id)).toEqual(created);

    const changed = await sdk.customers.update(created.id, {
      name: 'Ada',
      address: { city: 'London' },
      metadata: { tier: '', region: 'eu' },
    });
    expect(changed).toMatchObject({ name: 'Ada', address: { city: 'London' }, metadata: { region: 'eu' } });
    expect(changed.metadata).not.toHaveProperty('tier');
    expect(changed.email).toBe('ada@example.com');

    const gone = { id: created.id, object: 'customer', deleted: true };
    expect(await sdk.customers.del(created.id)).toEqual(gone);
    expect(await sdk.customers.retrieve(created.id)).toEqual(gone);
    expect(eventTypes()).toEqual(['customer.created', 'customer.updated', 'customer.deleted']);
  });

  it('are typed on the way in: numbers, booleans, null and text that must stay text', async () => {
    const product = await sdk.products.create({
      name: '12',
      active: false,
      metadata: { count: '7', on: 'true' },
    });
    expect(product).toMatchObject({ name: '12', active: false, metadata: { count: '7', on: 'true' } });
    const price = await sdk.prices.create({
      currency: 'eur',
      product: product.id,
      unit_amount: 1250,
      recurring: { interval: 'month', interval_count: 3 },
    });
    expect(price).toMatchObject({ unit_amount: 1250, type: 'recurring', recurring: { interval_count: 3 } });
    const customer = await sdk.customers.create({ description: 'x', address: { postal_code: '01234' } });
    expect(customer.address?.postal_code).toBe('01234');
    expect((await sdk.customers.update(customer.id, { description: '' })).description).toBeNull();
  });

  it('say what changed, and nothing where nothing did', async () => {
    const { id } = fake.create('customer', { email: 'a@example.com', metadata: { a: '1' } });
    fake.update('customer', id, { email: 'b@example.com', metadata: { b: '2' } });
    fake.update('customer', id, { email: 'b@example.com' });
    const [, event, ...more] = fake.all('event');
    expect(more).toEqual([]);
    expect(event).toMatchObject({
      type: 'customer.updated',
      data: {
        object: { id, email: 'b@example.com', metadata: { a: '1', b: '2' } },
        previous_attributes: { email: 'a@example.com', metadata: { b: null } },
      },
    });
  });

  it('of other kinds are gone when deleted: 404 resource_missing', async () => {
    const product = fake.create('product');
    fake.delete('product', product.id);
    const error = await errorOf(sdk.products.retrieve(product.id));
    expect(error).toBeInstanceOf(Stripe.errors.StripeInvalidRequestError);
    expect(error).toMatchObject({ statusCode: 404, code: 'resource_missing', param: 'id' });
    expect(error.requestId).toMatch(/^req_/);
    expect(() => fake.update('product', product.id, {})).toThrow(StripeApiError);
  });

  it('are found below their parents too', async () => {
    const customer = fake.create('customer');
    const other = fake.create('customer');
    const taxId = await sdk.customers.createTaxId(customer.id, { type: 'eu_vat', value: 'DE123456789' });
    const card = fake.create('card', { customer: customer.id });
    expect(await sdk.customers.retrieveTaxId(customer.id, taxId.id)).toEqual(taxId);
    expect(await sdk.taxIds.retrieve(taxId.id)).toEqual(taxId);
    expect((await errorOf(sdk.customers.retrieveTaxId(other.id, taxId.id))).statusCode).toBe(404);
    expect(await sdk.customers.retrieveSource(customer.id, card.id)).toMatchObject({ last4: '4242' });
    expect((await sdk.customers.listSources(customer.id)).data).toHaveLength(1);
    expect(await sdk.customers.deleteTaxId(customer.id, taxId.id)).toMatchObject({ deleted: true });
    expect(eventTypes()).toEqual(
      expect.arrayContaining(['customer.tax_id.created', 'customer.tax_id.deleted']),
    );
  });

  it('can be put there without an event, also of a kind that nobody knows', async () => {
    fake.put({ id: 'cus_quiet', object: 'customer', created: 5, email: 'q@example.com' });
    fake.put({ id: 'seal_1', object: 'lab.security', level: 3 });
    fake.put({ object: 'balance', available: [{ amount: 5, currency: 'usd' }] });
    expect(await sdk.customers.retrieve('cus_quiet')).toMatchObject({ email: 'q@example.com' });
    expect(await sdk.rawRequest('GET', '/v1/lab/securities/seal_1')).toMatchObject({ level: 3 });
    expect((await sdk.balance.retrieve()).available).toEqual([{ amount: 5, currency: 'usd' }]);
    expect(eventTypes()).toEqual([]);
  });

  it('are copies: what a caller does to one changes nothing', () => {
    const customer = fake.create('customer', { metadata: { a: '1' } });
    customer.metadata.a = '2';
    expect(fake.get('customer', customer.id)?.metadata).toEqual({ a: '1' });
  });

  it('are shown with others in them where expand asks for it', async () => {
    const customer = fake.create('customer', { email: 'e@example.com' });
    const charge = fake.create('charge', { amount: 500, customer: customer.id });
    fake.create('refund', { charge: charge.id, amount: 200 });
    expect((await sdk.charges.retrieve(charge.id)).refunds).toBeUndefined();
    const expanded = await sdk.charges.retrieve(charge.id, { expand: ['customer', 'refunds'] });
    expect(expanded.customer).toMatchObject({ email: 'e@example.com' });
    expect(expanded.refunds?.data).toMatchObject([{ amount: 200, charge: charge.id }]);
    expect(expanded).toMatchObject({ amount_refunded: 200, refunded: false });
    const { data } = await sdk.charges.list({ expand: ['data.customer'] });
    expect(data[0]?.customer).toMatchObject({ email: 'e@example.com' });
    const tooDeep = errorOf(sdk.charges.list({ expand: ['data.customer.a.b.c'] }));
    expect((await tooDeep).statusCode).toBe(400);
  });
});

describe('connected accounts', () => {
  it('have objects, events and lists of their own', async () => {
    const stripeAccount = 'acct_shop';
    const mine = fake.create('customer', { email: 'shop@example.com' }, { account: stripeAccount });
    expect((await sdk.customers.list()).data).toEqual([]);
    expect((await errorOf(sdk.customers.retrieve(mine.id))).statusCode).toBe(404);
    expect(await sdk.customers.retrieve(mine.id, {}, { stripeAccount })).toMatchObject({ id: mine.id });
    await sdk.customers.update(mine.id, { name: 'Shop' }, { stripeAccount });
    expect(fake.all('event')).toEqual([]);
    const events = await sdk.events.list({}, { stripeAccount });
    expect(events.data.map(({ type, account }) => [type, account])).toEqual([
      ['customer.updated', stripeAccount],
      ['customer.created', stripeAccount],
    ]);
    expect(fake.requests.count({ account: stripeAccount })).toBe(3);
  });
});

describe('errors', () => {
  it('401 for another key, and for none', async () => {
    const error = await errorOf(sdkFor(fake, 'sk_test_of_somebody_else').customers.list());
    expect(error).toBeInstanceOf(Stripe.errors.StripeAuthenticationError);
    expect(error.message).not.toContain('sk_test_of_somebody_else');
    const bare = await fetch(`${fake.url}/v1/customers`);
    expect(bare.status).toBe(401);
    const basic = Buffer.from(`${fake.apiKey}:`).toString('base64');
    const known = await fetch(`${fake.url}/v1/customers`, { headers: { authorization: `Basic ${basic}` } });
    expect(known.status).toBe(200);
  });

  it('404 for a path or method that does not exist, without a code', async () => {
    const customer = fake.create('customer');
    for (const [method, path] of [
      ['GET', '/v1/holograms/x'],
      ['GET', '/v2/core/events'],
      ['POST', '/v1/events'],
      ['DELETE', '/v1/prices/price_1'],
      ['POST', `/v1/customers/${customer.id}/launch`],
    ] as const) {
      const error = await errorOf(sdk.rawRequest(method, path));
      expect(error).toMatchObject({ statusCode: 404, code: undefined });
      expect(error.message).toMatch(/^Unrecognized request URL/);
    }
  });

  it('400 for what is missing, unknown, or names nothing', async () => {
    const missing = await errorOf(sdk.prices.create({} as Stripe.PriceCreateParams));
    expect(missing).toMatchObject({ statusCode: 400, code: 'parameter_missing', param: 'currency' });
    const nobody = await errorOf(sdk.invoices.create({ customer: 'cus_nobody' }));
    expect(nobody).toMatchObject({ statusCode: 400, code: 'resource_missing', param: 'customer' });
    const unknown = await errorOf(sdk.customers.list({ updated: { gt: 5 } } as Stripe.CustomerListParams));
    expect(unknown).toMatchObject({ statusCode: 400, code: 'parameter_unknown', param: 'updated' });
    const hostile = await errorOf(sdk.rawRequest('GET', '/v1/customers?__proto__[x]=1'));
    expect(hostile.statusCode).toBe(400);
    fake.create('coupon', { id: 'SPRING' });
    const taken = await errorOf(sdk.coupons.create({ id: 'SPRING', percent_off: 5 }));
    expect(taken).toMatchObject({ statusCode: 400, code: 'resource_already_exists' });
  });
});

describe('an idempotency key', () => {
  it('gives the saved answer again, and does the work once', async () => {
    const options = { idempotencyKey: 'once' };
    const first = await sdk.customers.create({ email: 'a@example.com' }, options);
    const second = await sdk.customers.create({ email: 'a@example.com' }, options);
    expect(second).toEqual(first);
    expect(first.lastResponse.headers).not.toHaveProperty('idempotent-replayed');
    expect(second.lastResponse.headers).toMatchObject({
      'idempotent-replayed': 'true',
      'idempotency-key': 'once',
    });
    expect(fake.all('customer')).toHaveLength(1);
    expect(fake.all('event')[0]?.request).toEqual({
      id: first.lastResponse.requestId,
      idempotency_key: 'once',
    });
  });

  it('is refused with other parameters, and for another request while the first is under way', async () => {
    const options = { idempotencyKey: 'twice' };
    await sdk.customers.create({ email: 'a@example.com' }, options);
    const other = await errorOf(sdk.customers.create({ email: 'b@example.com' }, options));
    expect(other).toBeInstanceOf(Stripe.errors.StripeIdempotencyError);
    expect(other.statusCode).toBe(400);

    const held = fake.hold({ method: 'POST' });
    const slow = sdk.customers.create({ name: 'slow' }, { idempotencyKey: 'busy' });
    await held.reached;
    const busy = await errorOf(sdk.customers.create({ name: 'slow' }, { idempotencyKey: 'busy' }));
    expect(busy).toMatchObject({ statusCode: 409, code: 'idempotency_key_in_use' });
    held.release();
    expect((await slow).name).toBe('slow');
  });

  it('belongs to its account, and is forgotten after a day', async () => {
    let now = new Date('2030-01-01T00:00:00Z');
    await fake.close();
    fake = await FakeStripe.start({ now: () => now });
    sdk = sdkFor(fake);
    const options = { idempotencyKey: 'daily' };
    await sdk.customers.create({ name: 'n' }, options);
    await sdk.customers.create({ name: 'n' }, { ...options, stripeAccount: 'acct_1' });
    now = new Date('2030-01-02T00:00:01Z');
    await sdk.customers.create({ name: 'n' }, options);
    expect([fake.all('customer').length, fake.all('customer', { account: 'acct_1' }).length]).toEqual([2, 1]);
  });
});
