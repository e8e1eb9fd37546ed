import Stripe from 'stripe';
import { FakeStripe } from 'nestjs-hybrid-sync/testing';
import { errorOf, sdkFor } from './fake-stripe-sdk.js';

let fake: FakeStripe;
let sdk: Stripe;
let now: number;

beforeEach(async () => {
  now = Date.parse('2030-01-01T00:00:00Z');
  fake = await FakeStripe.start({ now: () => new Date(now) });
  sdk = sdkFor(fake);
});
afterEach(() => fake.close());

describe('the API', () => {
  it('is out, or takes no key, for as long as it is told', async () => {
    fake.faults.outage = true;
    const out = await errorOf(sdk.customers.list());
    expect(out).toBeInstanceOf(Stripe.errors.StripeAPIError);
    expect(out.statusCode).toBe(503);
    fake.faults.clear();
    fake.faults.unauthorized = true;
    expect(await errorOf(sdk.customers.list())).toBeInstanceOf(Stripe.errors.StripeAuthenticationError);
    fake.faults.clear();
    expect((await sdk.customers.list()).data).toEqual([]);
    expect(fake.requests.all().map(({ status }) => status)).toEqual([503, 401, 200]);
  });

  it('limits the rate: the next requests, or so many a second for each account', async () => {
    fake.faults.rateLimit = { next: 1, reason: 'endpoint-rate' };
    const error = await errorOf(sdk.customers.list());
    expect(error).toBeInstanceOf(Stripe.errors.StripeRateLimitError);
    expect(error).toMatchObject({ statusCode: 429, code: 'rate_limit' });
    expect(error.headers).toMatchObject({ 'stripe-rate-limited-reason': 'endpoint-rate' });
    expect(error.headers).not.toHaveProperty('retry-after');
    await sdk.customers.list();

    fake.faults.rateLimit = { next: 1, reason: null };
    const locked = await errorOf(sdk.customers.list());
    expect(locked).toMatchObject({ statusCode: 429, code: 'lock_timeout' });
    expect(locked.headers).not.toHaveProperty('stripe-rate-limited-reason');

    fake.faults.rateLimit = { perSecond: 2 };
    const ask = (stripeAccount?: string) =>
      sdk.customers.list({}, { stripeAccount }).then(
        () => 'ok',
        () => 'no',
      );
    expect(await Promise.all([ask(), ask(), ask(), ask('acct_1')])).toEqual(['ok', 'ok', 'no', 'ok']);
    now += 1_000;
    expect(await ask()).toBe('ok');
  });

  it('fails the next requests that match, with what it is told', async () => {
    fake.faults.failNext({ match: { path: /^\/v1\/invoices/ }, status: 403, code: 'forbidden', times: 2 });
    expect((await sdk.customers.list()).data).toEqual([]);
    for (let n = 0; n < 2; n++) {
      const error = await errorOf(sdk.invoices.list());
      expect(error).toBeInstanceOf(Stripe.errors.StripePermissionError);
      expect(error.code).toBe('forbidden');
    }
    expect((await sdk.invoices.list()).data).toEqual([]);
  });

  it('can answer 500 without the key `error`, which the SDK takes for success', async () => {
    fake.faults.failNext({ status: 500, body: { message: 'internal' } });
    const customer = await sdk.customers.retrieve('cus_1');
    expect(customer).toEqual({ message: 'internal' });
    expect(customer.lastResponse.statusCode).toBe(500);
    fake.faults.failNext({ status: 502, body: '<html>bad gateway</html>' });
    expect((await errorOf(sdk.customers.retrieve('cus_1'))).message).toMatch(/Invalid JSON/);
  });

  it('can cut the connection, before the work or after it', async () => {
    fake.faults.failNext({ disconnect: true, times: 2 });
    expect(await errorOf(sdk.customers.list())).toBeInstanceOf(Stripe.errors.StripeConnectionError);
    expect(fake.requests.all().map(({ status }) => status)).toEqual([0, 0]);

    fake.faults.failNext({ disconnect: true, afterWork: true, match: { method: 'POST' } });
    const customer = await sdk.customers.create({ name: 'once' });
    expect(customer.lastResponse.headers['idempotent-replayed']).toBe('true');
    expect(fake.all('customer')).toHaveLength(1);
  });

  it('keeps a 500 after the work under its idempotency key', async () => {
    fake.faults.failNext({ afterWork: true, match: { method: 'POST' } });
    for (let n = 0; n < 2; n++) {
      const error = await errorOf(sdk.customers.create({ name: 'n' }, { idempotencyKey: 'k' }));
      expect(error.statusCode).toBe(500);
    }
    expect(fake.all('customer')).toHaveLength(1);
  });

  it('holds requests: what was read grows old before it arrives', async () => {
    const { id } = fake.create('customer', { name: 'old' });
    const [late, early] = [
      fake.hold({ path: `/v1/customers/${id}` }),
      fake.hold({ path: '/v1/products' }, 'arrival'),
    ];
    const reading = sdk.customers.retrieve(id);
    const listing = sdk.products.list();
    expect(await late.reached).toMatchObject({ method: 'GET', status: null });
    await early.reached;
    fake.update('customer', id, { name: 'new' });
    fake.create('product');
    late.release();
    early.release();
    expect(await reading).toMatchObject({ name: 'old' });
    expect((await listing).data).toHaveLength(1);
    expect(await sdk.customers.retrieve(id)).toMatchObject({ name: 'new' });
  });

  it('is slow: the answer is of the moment when it was asked', async () => {
    const { id } = fake.create('customer', { name: 'old' });
    fake.faults.slowMs = [20, 30];
    const began = performance.now();
    const reading = sdk.customers.retrieve(id);
    await fake.requests.until({ method: 'GET' });
    await new Promise(setImmediate); // It has arrived, and is read in the same turn.
    fake.update('customer', id, { name: 'new' });
    expect(await reading).toMatchObject({ name: 'old' });
    expect(performance.now() - began).toBeGreaterThan(15);
  });

  it('closes though a request is held or slow', async () => {
    fake.faults.slowMs = 3_600_000;
    const held = fake.hold({ path: '/v1/products' }, 'arrival');
    const asking = [errorOf(sdk.customers.list()), errorOf(sdk.products.list())];
    await held.reached;
    await fake.requests.until({ path: '/v1/customers' });
    await fake.close();
    for (const error of await Promise.all(asking))
      expect(error).toBeInstanceOf(Stripe.errors.StripeConnectionError);
    await fake.close();
  });
});

describe('stale reads', () => {
  it('give the version before, so many times', async () => {
    const { id } = fake.create('customer', { name: 'old' });
    fake.update('customer', id, { name: 'new' });
    const fresh = fake.create('customer');
    fake.faults.staleReads = 2;
    expect(await sdk.customers.retrieve(id)).toMatchObject({ name: 'old' });
    expect((await errorOf(sdk.customers.retrieve(fresh.id))).statusCode).toBe(404);
    expect(await sdk.customers.retrieve(fresh.id)).toMatchObject({ id: fresh.id });
  });

  it('give the state of so long ago, before and after a delete too', async () => {
    const { id } = fake.create('customer', { name: 'old' });
    now += 10_000;
    fake.update('customer', id, { name: 'new' });
    fake.faults.staleReadMs = 5_000;
    expect(await sdk.customers.retrieve(id)).toMatchObject({ name: 'old' });
    now += 5_000;
    expect(await sdk.customers.retrieve(id)).toMatchObject({ name: 'new' });
    fake.delete('customer', id);
    expect(await sdk.customers.retrieve(id)).toMatchObject({ name: 'new' });
    now += 5_000;
    expect(await sdk.customers.retrieve(id)).toMatchObject({ deleted: true });
    const fresh = fake.create('customer');
    expect((await errorOf(sdk.customers.retrieve(fresh.id))).statusCode).toBe(404);
  });

  it('concern lists and the log of events apart', async () => {
    const gone = fake.create('customer', { name: 'gone' });
    now += 10_000;
    fake.create('customer', { name: 'fresh' });
    fake.delete('customer', gone.id);
    const names = async () => (await sdk.customers.list()).data.map(({ name }) => name);
    const types = async () => (await sdk.events.list()).data.map(({ type }) => type);
    expect(await names()).toEqual(['fresh']);
    fake.faults.staleListMs = 5_000;
    expect(await names()).toEqual(['gone']);
    expect(await types()).toHaveLength(3);
    fake.faults.clear();
    fake.faults.eventLagMs = 5_000;
    expect(await names()).toEqual(['fresh']);
    expect(await types()).toEqual(['customer.created']);
    now += 5_000;
    expect(await types()).toHaveLength(3);
  });
});

describe('the log of requests', () => {
  it('counts, finds, waits and forgets', async () => {
    const waited = fake.requests.until({ method: 'GET', status: 404 }, 2);
    await sdk.customers.list({ limit: 3 });
    await errorOf(sdk.customers.retrieve('cus_1'));
    await errorOf(sdk.customers.retrieve('cus_2'));
    await waited;
    expect(fake.requests.count({ path: /cus_/ })).toBe(2);
    expect(fake.requests.count(({ query }) => query.limit === 3)).toBe(1);
    expect(fake.requests.last()).toMatchObject({ path: '/v1/customers/cus_2', account: null });
    expect([...fake.requests]).toHaveLength(3);
    fake.requests.clear();
    expect(fake.requests.length).toBe(0);
    await expect(fake.requests.until({ method: 'PATCH' }, 1, 5)).rejects.toThrow('got 0');
  });
});

describe('a seed', () => {
  it('gives the same ids for the same calls, whatever is read in between', async () => {
    const run = async (seed: number, reads: number): Promise<string[]> => {
      const other = await FakeStripe.start({ seed });
      const ids = [other.create('customer').id];
      for (let n = 0; n < reads; n++) await sdkFor(other).customers.list();
      ids.push(other.create('invoice').id, ...other.all('event').map(({ id }) => id));
      await other.close();
      return ids;
    };
    expect(await run(7, 3)).toEqual(await run(7, 0));
    expect(await run(8, 0)).not.toEqual(await run(7, 0));
  });
});
