import { Injectable, RequestMethod, UnauthorizedException, type INestApplication } from '@nestjs/common';
import { OnSyncEvent, SyncContext, SyncEvent, UnrecoverableError } from 'nestjs-hybrid-sync';
import { OnStripeEvent, stripe } from 'nestjs-hybrid-sync/stripe';
import { FakeStripe, SyncTesting } from 'nestjs-hybrid-sync/testing';
import { stripeEvent } from 'nestjs-hybrid-sync/testing/stripe';
import StripeClient from 'stripe';
import { DataSource } from 'typeorm';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { Effect, write } from '../support/scenario.js';
import { testApplication, unset, type TestApplicationOptions } from '../support/test-application.js';

@Injectable()
class Greeting {
  /** What the next calls throw. */
  readonly failures: Error[] = [];

  @OnStripeEvent(['customer.created', 'customer.updated'])
  async greet({ id }: SyncEvent, { record, manager }: SyncContext) {
    const failure = this.failures.shift();
    if (failure) throw failure;
    await write(manager, String(record.data?.email), id);
  }
}

let database: TestDatabase;
let sync: SyncTesting | undefined;
/** The test's own fake, where it has one. */
let fake: FakeStripe | undefined;
beforeEach(async () => {
  database = await createDatabase();
});
afterEach(async () => {
  await sync?.close();
  sync = undefined;
  await fake?.close();
  fake = undefined;
  await database.drop();
});

async function start(
  options: Omit<TestApplicationOptions, 'database'> = {},
  configure?: (app: INestApplication) => void,
  testing?: Parameters<typeof SyncTesting.start>[1],
): Promise<INestApplication> {
  const app = await testApplication({ database, providers: [Greeting], ...options });
  configure?.(app);
  sync = await SyncTesting.start(app, testing);
  return app;
}

function greetings(app: INestApplication): Promise<string[]> {
  const effects = app.get(DataSource).getRepository(Effect);
  return effects.find({ order: { id: 'ASC' } }).then((rows) => rows.map(({ handler }) => handler));
}

describe.each(['express', 'fastify'] as const)('an application under test, on %s', (adapter) => {
  it('has a Stripe, with no key or secret set, and no change to its module', async () => {
    const app = await start({ adapter });
    sync!.stripe.create('customer', { email: 'ada@example.com' });
    await sync!.idle();
    expect(await greetings(app)).toEqual(['ada@example.com']);
    expect(await sync!.events()).toMatchObject([{ state: 'completed', succeededBy: ['Greeting.greet'] }]);
  });

  it.each([
    ['under a prefix', {}],
    ['beside a prefix that it is excluded from', { exclude: ['hooks/*path'] }],
    [
      'beside a prefix that only its POST is excluded from',
      { exclude: [{ path: 'hooks/:source', method: RequestMethod.POST }] },
    ],
  ])('is delivered to %s', async (_, options) => {
    await start({ adapter, webhooks: { path: '/hooks/' } }, (app) => app.setGlobalPrefix('/api/v1', options));
    await sync!.deliver(stripeEvent('customer.created'));
    await sync!.idle();
    expect(await sync!.events()).toMatchObject([{ type: 'customer.created', state: 'completed' }]);
  });

  it('may have been started by the host', async () => {
    const sources = { stripe: stripe({ apiKey: 'sk_test_1', webhookSecrets: ['whsec_1'] }) };
    const app = await testApplication({ database, providers: [Greeting], adapter, sources });
    await app.listen(0, '127.0.0.1');
    const url = await app.getUrl();
    sync = await SyncTesting.start(app);
    expect(await app.getUrl()).toBe(url);
    sync.stripe.create('customer', { email: 'ada@example.com' });
    await sync.idle();
    expect(await greetings(app)).toEqual(['ada@example.com']);
  });
});

describe('idle()', () => {
  it('waits for what handlers do at Stripe too', async () => {
    @Injectable()
    class Welcome {
      constructor(private readonly client: StripeClient) {}

      @OnStripeEvent(['customer.created', 'customer.updated'], { transaction: 'none' })
      async follow(_event: SyncEvent, { record: { data, id } }: SyncContext<StripeClient.Customer>) {
        const steps = { undefined: 'one', one: 'two' }[String(data!.metadata.step)];
        if (steps) await this.client.customers.update(id, { metadata: { step: steps } });
      }
    }
    fake = await FakeStripe.start();
    const client = new StripeClient(fake.apiKey, { ...fake.connection, telemetry: false });
    await start({ providers: [Welcome, { provide: StripeClient, useValue: client }] }, undefined, {
      fakes: { stripe: fake },
    });
    // So that nothing is under way at the module while a webhook is.
    fake.faults.delayMs = 100;
    fake.create('customer');
    await sync!.idle();
    const events = await sync!.events({ state: 'completed' });
    expect(events.map(({ type }) => type)).toEqual([
      'customer.created',
      'customer.updated',
      'customer.updated',
    ]);
  });

  it('is not kept from the rest by a budget', async () => {
    const sources = { stripe: stripe({ ...unset, callsPerSecond: 1 }) };
    await start({ sources });
    for (let i = 0; i < 40; i++) sync!.stripe.create('customer');
    await sync!.idle();
    expect(await sync!.events({ state: 'completed' })).toHaveLength(40);
  });
});

describe('advance()', () => {
  it('brings the next attempt', async () => {
    const app = await start();
    app.get(Greeting).failures.push(new Error('no template'));
    await sync!.deliver(stripeEvent('customer.created', { email: 'ada@example.com' }));
    await sync!.idle();
    expect(await sync!.events()).toMatchObject([
      { state: 'waiting', waitReason: 'retry', error: 'Error: no template', succeededBy: [] },
    ]);
    await sync!.advance(6_000);
    expect(await greetings(app)).toEqual(['ada@example.com']);
    expect(await sync!.events()).toMatchObject([{ state: 'completed' }]);
  });

  it('lets webhooks in that are signed then, for days', async () => {
    await start();
    await sync!.advance(3 * 86_400_000);
    sync!.stripe.create('customer');
    await sync!.deliver(stripeEvent('customer.created'));
    await sync!.idle();
    expect(await sync!.events({ state: 'completed' })).toHaveLength(2);
  });

  it('ends the pause that a 429 makes', async () => {
    const app = await start();
    sync!.stripe.faults.rateLimit = { next: 1 };
    sync!.stripe.create('customer', { email: 'ada@example.com' });
    await sync!.idle();
    expect(await sync!.events()).toMatchObject([{ state: 'waiting', waitReason: 'rate-limited' }]);
    await sync!.advance(3_000);
    expect(await greetings(app)).toEqual(['ada@example.com']);
    expect(await app.get(DataSource).query('SELECT attempts FROM sync_mark')).toEqual([]);
  });
});

describe('deliver()', () => {
  it('sends the same event as often as it is asked, which is handled once', async () => {
    const app = await start();
    const event = stripeEvent('customer.created', { email: 'ada@example.com' });
    await sync!.deliver(event);
    await sync!.deliver(event);
    await sync!.idle();
    await sync!.deliver(event);
    await sync!.idle();
    expect(await greetings(app)).toEqual(['ada@example.com']);
    expect(sync!.stripe.deliveries.count({ outcome: 'delivered', status: 200 })).toBe(3);
  });

  it('makes an older event late', async () => {
    await start({ sources: { stripe: stripe({ ...unset, start: 'log' }) } });
    const at = (minute: number) => ({ occurredAt: new Date(Date.UTC(2026, 4, 1, 10, minute)) });
    await sync!.deliver(stripeEvent('customer.updated', { id: 'cus_1' }, at(2)));
    await sync!.idle();
    await sync!.deliver(stripeEvent('customer.updated', { id: 'cus_1' }, at(1)));
    await sync!.idle();
    expect(await sync!.events({ recordId: 'cus_1' })).toMatchObject([{ late: false }, { late: true }]);
  });

  it('leaves at Stripe what is there, and brings nothing back', async () => {
    const app = await start();
    const { id } = sync!.stripe.create('customer', { email: 'now@example.com' }, { delivery: 'unlogged' });
    await sync!.deliver(stripeEvent('customer.updated', { id, email: 'then@example.com' }));
    await sync!.idle();
    expect(await greetings(app)).toEqual(['now@example.com']);

    sync!.stripe.delete('customer', id, { delivery: 'unlogged' });
    await sync!.deliver(stripeEvent('customer.updated', { id, email: 'then@example.com' }));
    await sync!.deliver(stripeEvent('customer.deleted', { id: 'cus_gone' }));
    expect(sync!.stripe.get('customer', id)).toBeNull();
    expect(sync!.stripe.get('customer', 'cus_gone')).toBeNull();
  });

  it('says when the application does not take it', async () => {
    const guard = {
      canActivate() {
        throw new UnauthorizedException();
      },
    };
    await start({}, (app) => app.useGlobalGuards(guard));
    await expect(sync!.deliver(stripeEvent('customer.created'))).rejects.toThrow(
      /customer\.created was answered 401 by POST http:.*\/webhooks\/stripe/,
    );
  });

  it('says that nobody signs for a source without a fake', async () => {
    await start();
    const event = stripeEvent('customer.created', {}, { source: 'elsewhere' });
    await expect(sync!.deliver(event)).rejects.toThrow(/SyncService\.receive\('elsewhere'/);
  });
});

describe('events()', () => {
  it('says what became of each, and why', async () => {
    const app = await start();
    app.get(Greeting).failures.push(new UnrecoverableError('no such address'));
    await sync!.deliver(stripeEvent('customer.created', { id: 'cus_1' }, { id: 'evt_1' }));
    await sync!.deliver(stripeEvent('charge.refunded', { id: 'ch_1' }));
    await sync!.idle();
    expect(await sync!.events({ id: 'evt_1' })).toEqual([
      {
        id: 'evt_1',
        type: 'customer.created',
        source: 'stripe',
        connectionId: 'default',
        resource: 'customer',
        recordId: 'cus_1',
        origin: 'webhook',
        state: 'dead',
        reason: null,
        waitReason: null,
        late: false,
        succeededBy: [],
        deadBy: ['Greeting.greet'],
        error: 'UnrecoverableError: no such address',
      },
    ]);
    expect(await sync!.events({ type: 'charge.refunded' })).toMatchObject([
      { state: 'skipped', reason: 'no-handler' },
    ]);
    expect(await sync!.events({ state: 'completed' })).toEqual([]);
    expect((await sync!.events()).map(({ recordId }) => recordId)).toEqual(['cus_1', 'ch_1']);
  });
});

describe('the fakes', () => {
  it('stand for each Stripe source, and make different ids', async () => {
    @Injectable()
    class Both {
      @OnSyncEvent('eu', 'customer.created')
      @OnSyncEvent('us', 'customer.created', { name: 'us' })
      async greet({ source }: SyncEvent, { record, manager }: SyncContext) {
        await write(manager, `${source} ${record.data.email}`, record.id);
      }
    }
    const app = await start({ providers: [Both], sources: { eu: stripe(unset), us: stripe(unset) } });
    const { eu, us } = sync!.fakes;
    const ids = [eu!.create('customer', { email: 'e' }).id, us!.create('customer', { email: 'u' }).id];
    expect(ids[0]).not.toBe(ids[1]);
    await sync!.idle();
    expect((await greetings(app)).sort()).toEqual(['eu e', 'us u']);
    expect(() => sync!.stripe).toThrow(/2 Stripe sources. Use sync.fakes, by their names: eu, us/);
  });

  it('answer for the connections of a source too', async () => {
    const connections = {
      acct_1: {},
      eu: { apiKey: 'sk_live_eu', webhookSecrets: ['whsec_eu'] },
    };
    const app = await start({ sources: { stripe: stripe({ ...unset, connections }) } });
    const account = { account: 'acct_1' };
    sync!.stripe.create('customer', { email: 'connected@example.com' }, account);
    await sync!.idle();
    sync!.stripe.deliverTo(`${await app.getUrl()}/webhooks/stripe/eu`);
    sync!.stripe.create('customer', { email: 'eu@example.com' });
    await sync!.idle();
    expect(await greetings(app)).toEqual(['connected@example.com', 'eu@example.com']);
    expect((await sync!.events()).map(({ connectionId }) => connectionId)).toEqual(['acct_1', 'eu']);
  });

  it('are the test’s where it has its own, which outlive the application', async () => {
    fake = await FakeStripe.start({ seed: 77 });
    await start({}, undefined, { fakes: { stripe: fake } });
    await sync!.advance(86_400_000);
    await sync!.close();
    const app = await start({}, undefined, { fakes: { stripe: fake } });
    expect(sync!.stripe).toBe(fake);
    fake.create('customer', { email: 'second@example.com' });
    await sync!.idle();
    expect(await greetings(app)).toEqual(['second@example.com']);
    await sync!.close();
    sync = undefined;
    expect(await fetch(fake.url)).toBeDefined();
  });

  it('make ids that are new in a database that has been used before', async () => {
    for (const mails of [1, 2, 3]) {
      const app = await start();
      sync!.stripe.create('customer', { email: 'ada@example.com' });
      await sync!.idle();
      expect(await greetings(app)).toHaveLength(mails);
      await sync!.close();
      sync = undefined;
    }
  });

  it('are refused for what is no Stripe source', async () => {
    fake = await FakeStripe.start();
    await expect(start({}, undefined, { fakes: { strpie: fake } })).rejects.toThrow(
      /no Stripe source 'strpie' \(it has: 'stripe'\)/,
    );
  });
});

it('an application that cannot start says why, and leaves nothing running', async () => {
  const sources = { stripe: stripe({ ...unset, maxAttempts: 0 }) };
  await expect(start({ sources })).rejects.toThrow(/maxAttempts must be a whole number from 1/);
});
