import { Injectable } from '@nestjs/common';
import {
  OnSyncAlarm,
  OnSyncChange,
  OnSyncEvent,
  SyncAlarm,
  SyncContext,
  SyncEvent,
} from 'nestjs-hybrid-sync';
import { stripe } from 'nestjs-hybrid-sync/stripe';
import { signedDelivery } from 'nestjs-hybrid-sync/testing';
import { startHost, until, type Host, type HostOptions } from '../support/host.js';
import {
  dispatcherOf,
  effects,
  firstWalk,
  quick,
  send,
  settled,
  travel,
  write,
} from '../support/scenario.js';
import { createTrigger, dropTrigger, REFUSE } from '../support/trigger.js';

const FIVE_MINUTES_MS = 300_000;
const DAY_MS = 86_400_000;

@Injectable()
class Crm {
  @OnSyncEvent('stripe', 'customer.*')
  async book({ type }: SyncEvent, { record, manager, origin }: SyncContext) {
    await write(manager, `${origin} ${type}`, record.id);
  }
}

@Injectable()
class Catalog {
  @OnSyncChange('stripe', 'product')
  async copy(_: unknown, { record, manager }: SyncContext) {
    await write(manager, 'product', record.id);
  }
}

let alarms: SyncAlarm[] = [];

@Injectable()
class Watch {
  @OnSyncAlarm()
  note(alarm: SyncAlarm) {
    alarms.push(alarm);
  }
}

const eventsAsked = { path: '/v1/events' };

describe('nothing stays lost: polling', () => {
  let host: Host;
  beforeEach(() => {
    alarms = [];
  });
  afterEach(() => host.close());

  async function start(source: HostOptions['source'] = {}, more: Partial<HostOptions> = {}): Promise<void> {
    host = await startHost({
      ...quick,
      providers: [Crm, Watch],
      ...more,
      source: { ...quick.source, mode: 'hybrid', ...source },
    });
    // The first walk is due at once.
    await until(
      async () => (await host.sql(`SELECT FROM sync_cursor WHERE read_at IS NOT NULL`)).length === 1,
    );
  }

  const poll = async () => (await host.sync.poll({ source: 'stripe' }))[0]!;
  const lost = (id: string) => host.stripe.create('customer', { id }, { delivery: 'lost' });

  /** Lets time go by at Stripe, too. */
  function wait(ms: number): void {
    host.stripe.clock.offsetMs += ms;
    travel(host, ms);
  }

  it('brings what a webhook has lost, by itself, within the interval', async () => {
    await start();
    lost('cus_1');
    wait(FIVE_MINUTES_MS - 10_000);
    await host.sync.idle();
    expect(await effects(host)).toEqual([]);
    wait(10_000);
    await until(async () => (await effects(host)).length > 0);
    expect(await effects(host)).toEqual(['poll customer.created cus_1']);
  });

  it('gives an event that a webhook brings too to its handlers once', async () => {
    await start();
    host.stripe.create('customer', { id: 'cus_first' });
    await host.stripe.flush();
    expect(await poll()).toMatchObject({ pages: 1, found: 0, atEnd: true });

    const { id } = lost('cus_second');
    expect(await poll()).toMatchObject({ found: 1 });
    const [event] = host.stripe
      .all('event')
      .filter(({ data }) => (data as { object: { id: string } }).object.id === id);
    host.stripe.resend(event!.id);
    await host.stripe.flush();
    await settled(host);
    expect(await effects(host)).toEqual([
      'webhook customer.created cus_first',
      'poll customer.created cus_second',
    ]);
  });

  it('stores nothing that nobody handles', async () => {
    await start();
    host.stripe.create('product', { id: 'prod_1' }, { delivery: 'lost' });
    expect(await poll()).toMatchObject({ found: 0 });
  });

  it('reads the last day again for a handler that was not there', async () => {
    await start();
    host.stripe.create('product', { id: 'prod_old' }, { delivery: 'lost' });
    wait(2 * DAY_MS);
    host.stripe.create('product', { id: 'prod_new' }, { delivery: 'lost' });
    lost('cus_1');
    expect(await poll()).toMatchObject({ found: 1 });
    // It would settle what it knows no handler for; the newer one takes that up again, within a minute.
    await dispatcherOf(host).stop(1_000);
    const newer = await startHost({
      ...quick,
      providers: [Crm, Catalog],
      source: { ...quick.source, mode: 'hybrid' },
      beside: host,
    });
    try {
      travel(newer, 2 * DAY_MS);
      await newer.sync.poll({ source: 'stripe' });
      await until(async () => (await effects(host)).includes('product prod_new'));
      await until(async () => (await effects(host)).length === 2);
      expect(await newer.sync.poll({ source: 'stripe' })).toMatchObject([{ pages: 1, found: 0 }]);
    } finally {
      await newer.close();
    }
  });

  it('is done by one process at a time, and once in the interval by all together', async () => {
    await start();
    const other = await startHost({
      ...quick,
      providers: [Crm],
      source: { ...quick.source, mode: 'hybrid' },
      beside: host,
    });
    try {
      const answer = host.stripe.hold(eventsAsked);
      lost('cus_1');
      const first = host.sync.poll({ source: 'stripe' });
      await answer.reached;
      expect(await other.sync.poll({ source: 'stripe' })).toEqual([]);
      answer.release();
      expect(await first).toMatchObject([{ found: 1 }]);

      const before = host.stripe.requests.count(eventsAsked);
      wait(FIVE_MINUTES_MS);
      travel(other, FIVE_MINUTES_MS);
      await until(() => host.stripe.requests.count(eventsAsked) > before);
      await until(
        async () => (await host.sql(`SELECT FROM sync_cursor WHERE walk_token IS NULL`)).length === 1,
      );
      expect(host.stripe.requests.count(eventsAsked)).toBe(before + 1);
    } finally {
      await other.close();
    }
  });

  it('takes over from a process that was away too long, whose page then comes to nothing', async () => {
    await start();
    const other = await startHost({
      ...quick,
      providers: [Crm],
      source: { ...quick.source, mode: 'hybrid' },
      beside: host,
    });
    try {
      const answer = host.stripe.hold(eventsAsked);
      const stalled = host.sync.poll({ source: 'stripe' });
      await answer.reached;
      lost('cus_1');
      travel(other, 61_000);
      expect(await other.sync.poll({ source: 'stripe' })).toMatchObject([{ found: 1 }]);
      const cursor = await host.sql(`SELECT position FROM sync_cursor`);
      answer.release();
      expect(await stalled).toEqual([]);
      expect(await host.sql(`SELECT position FROM sync_cursor`)).toEqual(cursor);
    } finally {
      await other.close();
    }
  });

  it('moves its cursor only with what it has read: all of a page is stored, or none', async () => {
    await start();
    lost('cus_1');
    lost('cus_2');
    const before = await host.sql(`SELECT position FROM sync_cursor`);
    await createTrigger(host, {
      name: 'fail_moving',
      at: 'BEFORE UPDATE ON sync_cursor',
      when: `NEW.position <> OLD.position`,
      run: REFUSE,
    });
    await expect(poll()).rejects.toThrow();
    expect(await host.sql(`SELECT position FROM sync_cursor`)).toEqual(before);
    await dropTrigger(host, 'fail_moving');
    travel(host, 61_000);
    await poll();
    await settled(host);
    expect((await effects(host)).sort()).toEqual([
      'poll customer.created cus_1',
      'poll customer.created cus_2',
    ]);
  });

  it('keeps what the table refuses as unstorable, and goes on behind it', async () => {
    await start();
    await createTrigger(host, {
      name: 'refuse_one',
      at: 'BEFORE INSERT ON sync_event',
      when: `NEW.record_id = 'cus_bad'`,
      run: REFUSE,
    });
    lost('cus_good');
    lost('cus_bad');
    lost('cus_better');
    await poll();
    await until(async () => (await effects(host)).length === 2);
    expect(await host.sql(`SELECT state, reason FROM sync_event WHERE state = 'dead'`)).toEqual([
      { state: 'dead', reason: 'unstorable' },
    ]);
    expect(await poll()).toMatchObject({ atEnd: true });
    expect(await host.sql(`SELECT state FROM sync_event`)).toHaveLength(3);
  });

  it('stops while the source is paused, and goes on from there', async () => {
    await start();
    await host.sync.pause({ source: 'stripe' });
    lost('cus_1');
    const before = host.stripe.requests.count(eventsAsked);
    wait(2 * FIVE_MINUTES_MS);
    await host.sync.idle();
    expect(host.stripe.requests.count(eventsAsked)).toBe(before);
    await host.sync.resume({ source: 'stripe' });
    await until(async () => (await effects(host)).length === 1);
  });

  it('leaves a provider alone that says 429, and goes on afterwards', async () => {
    await start();
    lost('cus_1');
    host.stripe.faults.rateLimit = { next: 1 };
    expect(await poll()).toMatchObject({ pages: 1, found: 0, atEnd: false });
    const before = host.stripe.requests.count(eventsAsked);
    expect(await poll()).toMatchObject({ pages: 0 });
    expect(host.stripe.requests.count(eventsAsked)).toBe(before);
    travel(host, 2_000);
    await until(async () => (await effects(host)).length === 1);
  });

  it('begins anew where the log begins if that no longer reaches back, and raises an alarm', async () => {
    await start();
    lost('cus_gone');
    wait(32 * DAY_MS);
    lost('cus_1');
    await until(async () => (await effects(host)).length === 1);
    expect(await effects(host)).toEqual(['poll customer.created cus_1']);
    expect(alarms.map(({ kind }) => kind)).toEqual(['cursor-expired']);
    expect(alarms[0]!.message).toMatch(/nothing of it can be listed/);
  });

  it('gives event handlers nothing from before the start', async () => {
    await start({ start: 'now' }, { database: undefined });
    host.stripe.clock.offsetMs -= 600_000;
    lost('cus_before');
    host.stripe.clock.offsetMs += 600_000;
    lost('cus_after');
    await poll();
    await settled(host);
    expect(await effects(host)).toEqual(['poll customer.created cus_after']);
  });
});

describe('how changes become known', () => {
  let host: Host;
  afterEach(() => host.close());

  it('is the host’s choice for each resource: handlers see no difference', async () => {
    const mode = { customer: 'webhook', product: 'poll' } as const;
    host = await startHost({ ...quick, providers: [Crm, Catalog], source: { ...quick.source, mode } });
    await firstWalk(host);
    host.stripe.create('customer', { id: 'cus_lost' }, { delivery: 'lost' });
    host.stripe.create('customer', { id: 'cus_sent' });
    host.stripe.create('product', { id: 'prod_1' });
    await host.stripe.flush();
    expect(host.stripe.deliveries.all().map(({ status }) => status)).toEqual([200, 200]);
    await settled(host);
    expect(await effects(host)).toEqual(['webhook customer.created cus_sent']);

    expect(await host.sync.poll({ source: 'stripe' })).toMatchObject([{ found: 1 }]);
    await settled(host);
    expect(await effects(host)).toEqual(['webhook customer.created cus_sent', 'product prod_1']);
  });

  it('says when the provider did not let it read', async () => {
    host = await startHost({ ...quick, source: { ...quick.source, mode: 'hybrid' } });
    await firstWalk(host);
    host.stripe.faults.outage = true;
    expect(await host.sync.poll({ source: 'stripe' })).toMatchObject([
      { found: 0, atEnd: false, error: expect.stringMatching(/503/) as string },
    ]);
    host.stripe.faults.outage = false;
    expect(await host.sync.poll({ source: 'stripe' })).toMatchObject([{ atEnd: true, error: null }]);
  });

  it('is webhooks alone on request: the log is not asked for', async () => {
    host = await startHost({ ...quick, providers: [Crm], source: { ...quick.source, mode: 'webhook' } });
    await expect(host.sync.poll({ source: 'stripe' })).rejects.toThrow(/is not polled/);
    await send(host, { object: 'customer', id: 'cus_1' });
    expect(host.stripe.requests.count(eventsAsked)).toBe(0);
  });

  it('is polling alone on request: no signing secret is needed, and no delivery taken', async () => {
    // It would take the event for one that nobody handles, if it came first.
    host = await startHost({ ...quick, role: 'none' });
    const { apiKey, connection } = host.stripe;
    const { connector } = stripe({ apiKey, webhookSecrets: [], ...connection });
    const poller = await startHost({
      ...quick,
      providers: [Crm],
      source: { ...quick.source, connector, mode: 'poll' },
      beside: host,
    });
    try {
      await firstWalk(poller);
      host.stripe.create('customer', { id: 'cus_1' }, { delivery: 'lost' });
      expect(await poller.sync.poll({ source: 'stripe' })).toMatchObject([{ found: 1 }]);
      await until(async () => (await effects(host)).length === 1);
      const delivery = signedDelivery({ payload: { object: 'event' }, secret: host.stripe.webhookSecret });
      expect(await poller.sync.receive('stripe', delivery)).toMatchObject({ status: 401 });
    } finally {
      await poller.close();
    }
  });
});
