import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import Stripe from 'stripe';
import { FakeStripe, signedDelivery, type FakeStripeOptions } from 'nestjs-hybrid-sync/testing';
import { sdkFor } from './fake-stripe-sdk.js';

const sdk = new Stripe('sk_test_unused');

let fake: FakeStripe;
let endpoint: Endpoint;

beforeEach(async () => {
  endpoint = await Endpoint.start();
  await start();
});
afterEach(async () => {
  await fake.close();
  await endpoint.stop();
});

async function start(options: FakeStripeOptions = {}): Promise<void> {
  await fake?.close();
  fake = await FakeStripe.start({ webhookUrl: endpoint.url, retryDelaysMs: [1, 1], ...options });
}

/** A host's webhook endpoint: answers with the statuses it is told, then 200. */
class Endpoint {
  readonly got: { body: Buffer; signature: string }[] = [];
  statuses: number[] = [];
  private constructor(private readonly server: Server) {}

  static async start(): Promise<Endpoint> {
    const server = createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      endpoint.got.push({
        body: Buffer.concat(chunks),
        signature: String(request.headers['stripe-signature']),
      });
      response.writeHead(endpoint.statuses.shift() ?? 200).end('ok');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const endpoint = new Endpoint(server);
    return endpoint;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/webhooks`;
  }

  /** What came, as the SDK verifies it. */
  events(secret = fake.webhookSecret): Stripe.Event[] {
    return this.got.map(({ body, signature }) => sdk.webhooks.constructEvent(body, signature, secret));
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

function outcomes(): string[] {
  return fake.deliveries.all().map(({ outcome, status, attempt }) => `${attempt} ${outcome} ${status}`);
}

describe('a webhook', () => {
  it('carries the event of the log, signed so that the SDK accepts it', async () => {
    const { id } = fake.create('customer', { email: 'Zoë@example.com' });
    await fake.flush();
    const [event] = endpoint.events();
    const [logged] = fake.all('event');
    expect(event).toEqual({ ...logged, pending_webhooks: 1 });
    expect(event).toMatchObject({
      type: 'customer.created',
      data: { object: { id, email: 'Zoë@example.com' } },
    });
    expect(() => endpoint.events('whsec_other')).toThrow(Stripe.errors.StripeSignatureVerificationError);
    expect(outcomes()).toEqual(['1 delivered 200']);
  });

  it('comes for changes made through the API too, and names the request', async () => {
    const created = await sdkFor(fake).customers.create({ name: 'n' });
    await fake.flush();
    expect(endpoint.events()[0]?.request?.id).toBe(created.lastResponse.requestId);
  });

  it('is signed with every secret while one is being rolled', async () => {
    fake.webhookSecrets.unshift('whsec_new');
    fake.create('customer');
    await fake.flush();
    expect(endpoint.events('whsec_new')).toHaveLength(1);
    expect(endpoint.events('whsec_fake')).toHaveLength(1);
    expect(fake.webhookSecret).toBe('whsec_new');
  });

  it('is tried again, signed anew each time, and is delivered once acknowledged', async () => {
    const times = [1_900_000_000, 1_900_000_100, 1_900_000_200];
    let clock = times[0]!;
    await start({ now: () => new Date(clock * 1_000) });
    endpoint.statuses = [500, 302];
    fake.create('customer');
    for (const [index, time] of times.entries()) {
      await fake.deliveries.until({ attempt: index + 1 });
      clock = times[index + 1] ?? time;
    }
    await fake.flush();
    expect(outcomes()).toEqual(['1 failed 500', '2 failed 302', '3 delivered 200']);
    expect(new Set(endpoint.got.map(({ body }) => body.toString())).size).toBe(1);
    const [first, ...later] = endpoint.got.map(({ signature }) => signature);
    expect(first).toMatch(/^t=1900000000,v1=[0-9a-f]{64}$/);
    expect(later.every((signature) => signature !== first)).toBe(true);
    expect(fake.all('event')[0]?.pending_webhooks).toBe(0);
  });

  it('is given up after the last try, and shows as not delivered', async () => {
    endpoint.statuses = [500, 500, 500];
    fake.create('customer');
    await fake.flush();
    fake.create('product');
    await fake.flush();
    expect(fake.deliveries.count({ outcome: 'failed' })).toBe(3);
    const api = sdkFor(fake);
    const undelivered = await api.events.list({ delivery_success: false });
    expect(undelivered.data.map(({ type }) => type)).toEqual(['customer.created']);
    const delivered = await api.events.list({ delivery_success: true });
    expect(delivered.data.map(({ type }) => type)).toEqual(['product.created']);
  });

  it('fails without an answer when nobody listens', async () => {
    await endpoint.stop();
    fake.create('customer');
    await fake.flush();
    expect(fake.deliveries.all()).toMatchObject([{ status: null, error: 'ECONNREFUSED' }, {}, {}]);
    endpoint = await Endpoint.start();
    fake.deliverTo(endpoint.url);
    fake.resend(fake.all('event')[0]!.id);
    await fake.flush();
    expect(endpoint.events()).toHaveLength(1);
    expect(fake.all('event')[0]?.pending_webhooks).toBe(0);
  });

  it('fails when the endpoint takes too long', async () => {
    const silent = createServer(() => undefined);
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const webhookUrl = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
    await start({ webhookUrl, webhookTimeoutMs: 20, retryDelaysMs: [] });
    fake.create('customer');
    await fake.flush();
    expect(fake.deliveries.all()).toMatchObject([{ outcome: 'failed', status: null, error: 'timeout' }]);
    silent.closeAllConnections();
    await new Promise((resolve) => silent.close(resolve));
  });

  it('is tried again where webhooks go by then, and no more once they go nowhere', async () => {
    await start({ retryDelaysMs: [1, 1, 1] });
    const moved = await Endpoint.start();
    endpoint.statuses = [500];
    fake.create('customer');
    await fake.deliveries.until({ outcome: 'failed' });
    fake.deliverTo(moved.url);
    await fake.flush();
    expect(moved.events()).toMatchObject([{ type: 'customer.created' }]);

    moved.statuses = [500];
    fake.create('customer');
    await fake.deliveries.until({ outcome: 'failed' }, 2);
    fake.deliverTo(null);
    await fake.flush();
    expect(fake.deliveries.last()).toMatchObject({ attempt: 2, outcome: 'failed', url: null });
    await moved.stop();
  });

  it('goes where it is sent: nowhere, or to an account’s own endpoint with its own secret', async () => {
    fake.deliverTo(null);
    fake.create('customer');
    expect(fake.all('event')[0]?.pending_webhooks).toBe(0);
    const shop = await Endpoint.start();
    fake.deliverTo(endpoint.url);
    fake.deliverTo(shop.url, { account: 'acct_shop', secret: 'whsec_shop' });
    fake.create('customer', {}, { account: 'acct_shop' });
    fake.create('customer', {}, { account: 'acct_other' });
    await fake.flush();
    expect(shop.events('whsec_shop').map(({ account }) => account)).toEqual(['acct_shop']);
    expect(endpoint.events().map(({ account }) => account)).toEqual(['acct_other']);
    await shop.stop();
  });

  it('does not come where the change says so', async () => {
    fake.create('customer', { id: 'cus_lost' }, { delivery: 'lost' });
    fake.create('customer', { id: 'cus_quiet' }, { delivery: 'unlogged' });
    await fake.flush();
    expect(endpoint.got).toEqual([]);
    expect(fake.all('customer')).toHaveLength(2);
    expect(fake.all('event')).toMatchObject([{ data: { object: { id: 'cus_lost' } }, pending_webhooks: 1 }]);
  });

  it('can be of any type and about anything', async () => {
    const { id } = fake.create('invoice', {}, { delivery: 'unlogged' });
    fake.emit('invoice.payment_failed', 'invoice', id);
    fake.emit('invoice.upcoming', 'invoice', { customer: 'cus_1', amount_due: 5 });
    fake.emit('lab.made', 'lab.thing', { id: 'thing_1' }, { previousAttributes: { level: 1 } });
    await fake.flush();
    const data = (type: string) => endpoint.events().find((event) => event.type === type)?.data;
    expect(data('invoice.payment_failed')?.object).toMatchObject({ id });
    expect(data('invoice.upcoming')?.object).toEqual({ object: 'invoice', customer: 'cus_1', amount_due: 5 });
    expect(data('lab.made')).toEqual({
      object: { object: 'lab.thing', id: 'thing_1' },
      previous_attributes: { level: 1 },
    });
  });

  it('comes in the order of events with one at a time', async () => {
    await start({ webhookConcurrency: 1 });
    for (let n = 0; n < 50; n++) fake.create('customer');
    await fake.flush();
    expect(endpoint.events().map(({ id }) => id)).toEqual(fake.all('event').map(({ id }) => id));
  });

  it('does not hold up anything, thousands at a time', async () => {
    for (let n = 0; n < 2_000; n++) fake.create('customer');
    expect(endpoint.got).toEqual([]);
    await fake.flush();
    expect(new Set(endpoint.got.map(({ body }) => JSON.parse(body.toString()).id)).size).toBe(2_000);
  });
});

describe('the faults of webhooks', () => {
  async function run(
    set: (faults: FakeStripe['faults']) => void,
    options: FakeStripeOptions = {},
  ): Promise<string[]> {
    endpoint.got.length = 0;
    await start({ webhookConcurrency: 1, ...options });
    set(fake.faults);
    for (let n = 0; n < 100; n++) fake.create('customer');
    await fake.flush();
    return endpoint.events().map(({ id }) => id);
  }

  it('drop some for good, the same ones for the same seed', async () => {
    const drop = (faults: FakeStripe['faults']): void => void (faults.dropRate = 0.3);
    const got = await run(drop);
    expect(got.length).toBeGreaterThan(50);
    expect(got.length).toBeLessThan(90);
    expect(fake.deliveries.count({ outcome: 'dropped' })).toBe(100 - got.length);
    expect(fake.all('event').filter((event) => event.pending_webhooks === 1)).toHaveLength(100 - got.length);
    expect(await run(drop)).toEqual(got);
    expect(await run(drop, { seed: 2 })).not.toEqual(got);
  });

  it('send some twice', async () => {
    const got = await run((faults) => void (faults.duplicateRate = 0.3));
    const doubled = got.length - new Set(got).size;
    expect(new Set(got).size).toBe(100);
    expect(doubled).toBeGreaterThan(10);
    expect(fake.deliveries.count({ duplicate: true })).toBe(doubled);
  });

  it('let some overtake others', async () => {
    const got = await run((faults) => void (faults.reorder = true));
    const order = fake.all('event').map(({ id }) => id);
    expect(got).not.toEqual(order);
    expect([...got].sort()).toEqual([...order].sort());
  });

  it('are late by a fixed or a random time', async () => {
    const order = (await run((faults) => void (faults.delayMs = [1, 40]))).join();
    expect(order).not.toBe(
      fake
        .all('event')
        .map(({ id }) => id)
        .join(),
    );
    fake.faults.clear();
    fake.faults.delayMs = 3_600_000;
    fake.create('customer');
    const before = endpoint.got.length;
    await fake.close();
    await fake.flush();
    expect(endpoint.got).toHaveLength(before);
  });
});

describe('a delivery signed by hand', () => {
  it('is one that the SDK accepts, of an object, text or bytes', () => {
    for (const payload of [{ id: 'evt_1', object: 'event' }, '{"id":"evt_1","object":"event"}']) {
      const { body, headers } = signedDelivery({ payload, secret: ['whsec_a', 'whsec_b'] });
      const header = headers['stripe-signature'];
      for (const secret of ['whsec_a', 'whsec_b']) {
        expect(sdk.webhooks.constructEvent(body, header, secret)).toMatchObject({ id: 'evt_1' });
      }
    }
    const bytes = Buffer.from([0x7b, 0xff, 0x7d]);
    expect(signedDelivery({ payload: bytes, secret: 'whsec_a' }).body).toBe(bytes);
  });

  it('has the header that the SDK makes itself', () => {
    const payload = '{"name":"Zoë"}';
    const [secret, timestamp] = ['whsec_a', 1_900_000_000];
    const header = sdk.webhooks.generateTestHeaderString({ payload, secret, timestamp });
    expect(signedDelivery({ payload, secret, timestamp }).headers['stripe-signature']).toBe(header);
    expect(fake.sign(payload, { secret, timestamp })).toBe(header);
    expect(fake.sign(payload, { timestamp })).not.toBe(header);
  });
});
