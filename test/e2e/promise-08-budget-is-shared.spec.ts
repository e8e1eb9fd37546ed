import { Injectable } from '@nestjs/common';
import { OnSyncChange, OnSyncEvent, SyncContext } from 'nestjs-hybrid-sync';
import { Budget } from '../../lib/hydrate/budget.js';
import { startHost, until, type Host, type HostOptions } from '../support/host.js';
import { itOn } from '../support/only-on.js';
import { effects, quick, send, settled, travel, write } from '../support/scenario.js';

@Injectable()
class Crm {
  @OnSyncChange('stripe', 'customer')
  async copy(_: unknown, { record, manager }: SyncContext) {
    await write(manager, 'customer', record.id);
  }

  @OnSyncChange('stripe', 'invoice')
  async invoice(_: unknown, { record, manager }: SyncContext) {
    await write(manager, 'invoice', record.id);
  }
}

describe('one budget of API calls', () => {
  let host: Host;
  afterEach(() => host.close());

  async function start(source: HostOptions['source'], more: Partial<HostOptions> = {}): Promise<void> {
    host = await startHost({ ...quick, providers: [Crm], ...more, source: { ...quick.source, ...source } });
  }

  /** The most requests that arrived within nine tenths of a second: a window of the limiter may have ended in it. */
  function most(): number {
    const times = host.stripe.requests.all().map(({ at }) => at.getTime());
    return Math.max(...times.map((from) => times.filter((at) => at >= from && at < from + 900).length));
  }

  function old(type: string, count: number): void {
    for (let i = 0; i < count; i += 1)
      host.stripe.create(type, { id: `${type}_${i}` }, { delivery: 'unlogged' });
  }

  it('is kept by everything together, and a backfill leaves enough of it to what happens now', async () => {
    await start({ callsPerSecond: 20, mode: 'hybrid' });
    old('customer', 400);
    // Each has to be fetched for itself.
    for (let i = 0; i < 60; i += 1)
      host.stripe.create(
        'invoice',
        { id: `invoice_${i}`, lines: Array.from({ length: 11 }, () => ({ description: 'x' })) },
        { delivery: 'unlogged' },
      );
    const run = await host.sync.backfill({ source: 'stripe' });
    await until(() => host.stripe.requests.count({ path: /^\/v1\/invoices\// }) > 5);

    // What happens now does not stand behind it.
    for (let i = 0; i < 3; i += 1) {
      host.stripe.create('customer', { id: `live_${i}` });
      await until(async () => (await effects(host)).includes(`customer live_${i}`));
    }
    const invoices = async () =>
      (await effects(host)).filter((effect) => effect.startsWith('invoice')).length;
    expect(await invoices()).toBeLessThan(60);
    expect(await run.done()).toMatchObject({ state: 'completed', notDone: [] });
    expect(most()).toBeLessThanOrEqual(40);
    expect(await invoices()).toBe(60);
  });

  it('is not waited for by what was listed with its content', async () => {
    await start({ callsPerSecond: 5, sourceCallsPerSecond: 5 });
    old('customer', 300);
    const taken: string[] = [];
    const budget = host.app.get(Budget, { strict: false });
    const take = budget.take.bind(budget);
    budget.take = (connection, wanted, forWhat) => {
      taken.push(...Array.from({ length: wanted }, () => forWhat));
      return take(connection, wanted, forWhat);
    };
    await (await host.sync.backfill({ source: 'stripe' })).done();
    expect(await effects(host)).toHaveLength(300);
    // Calls for pages, a few of which were asked for more than once.
    expect(taken.length).toBeLessThan(50);
  });

  it('has a part for all connections of a source', async () => {
    await start({ callsPerSecond: 1_000, sourceCallsPerSecond: 20 });
    for (let i = 0; i < 60; i += 1) {
      const account = `acct_${i % 6}`;
      host.stripe.create('customer', { id: `cus_${i}` }, { account });
    }
    await host.stripe.flush();
    await settled(host);
    expect(host.stripe.requests.all()).toHaveLength(60);
    expect(most()).toBeLessThanOrEqual(40);
  });

  it('has no more calls under way at once than it may', async () => {
    await start({ maxConcurrentCalls: 3 });
    host.stripe.faults.slowMs = 20;
    let most = 0;
    const underWay = () => host.stripe.requests.all().filter(({ status }) => status === null).length;
    for (let i = 0; i < 40; i += 1) host.stripe.create('customer', { id: `cus_${i}` });
    await until(async () => {
      most = Math.max(most, underWay());
      return (await effects(host)).length === 40;
    });
    expect(most).toBeLessThanOrEqual(3);
    expect(most).toBeGreaterThan(1);
  });

  it('is paused while the provider is away: one call in a while finds out, and no attempt is used', async () => {
    await start({ backoffMs: () => 10 });
    host.stripe.faults.outage = true;
    for (let i = 0; i < 30; i += 1) await send(host, { object: 'customer', id: `customer_${i}` });
    old('customer', 30);
    const reasons = async () =>
      (await host.sql<{ wait_reason: string }>(`SELECT DISTINCT wait_reason FROM sync_event`)).map(
        (row) => row.wait_reason,
      );
    await until(async () => (await reasons()).join() === 'provider-unavailable');
    const asked = () => host.stripe.requests.all().length;
    const before = asked();
    expect(before).toBeLessThan(30 + 20);
    // Nobody asks, although back-offs are over.
    travel(host, 1_000);
    await until(async () => (await reasons()).join() === 'provider-unavailable');
    expect(asked()).toBe(before);
    travel(host, 4_500);
    await until(() => asked() > before);
    expect(asked()).toBeLessThanOrEqual(before + 2);

    host.stripe.faults.outage = false;
    await until(async () => {
      travel(host, 500);
      return (await effects(host)).length === 30;
    });
    expect(await host.sql(`SELECT DISTINCT fetch_failures FROM sync_record`)).toEqual([
      { fetch_failures: 0 },
    ]);
  });

  it('is not paused by one record that the provider fails at', async () => {
    await start({ backoffMs: () => 1, maxAttempts: 12 });
    old('customer', 5);
    host.stripe.faults.failNext({ match: { path: '/v1/customers/customer_0' }, status: 500, times: 1_000 });
    for (let i = 0; i < 5; i += 1) await send(host, { object: 'customer', id: `customer_${i}` });
    await until(async () => (await effects(host)).length === 4);
    await until(async () => {
      await send(host, { object: 'customer', id: 'customer_1' });
      return (await host.sql(`SELECT id FROM sync_event WHERE state = 'dead'`)).length === 1;
    });
  });
});

let handled: string[] = [];

@Injectable()
class Quick {
  @OnSyncEvent('stripe', 'customer.*', { hydrate: false })
  note(_: unknown, { record }: SyncContext) {
    handled.push(record.connectionId);
  }
}

describe('one tenant cannot starve another', () => {
  itOn('postgres', 'the rows are made by a statement of its own')(
    'with 100,000 waiting events beside one',
    async () => {
      handled = [];
      const host = await startHost({ ...quick, providers: [Quick], sync: { sweepEveryMs: 100 } });
      try {
        await host.sync.pause({ source: 'stripe' });
        await send(host, { object: 'customer', id: 'cus_sample' });
        await host.sql(
          `INSERT INTO sync_event (dedupe_key, record_key, source, connection_id, resource, record_id, event_id, type, origin, payload)
         SELECT decode(md5('event' || n), 'hex'), decode(md5('record' || n), 'hex'), source, 'acct_busy', resource, 'cus_' || n,
           'evt_' || n, type, origin, payload
         FROM sync_event, generate_series(1, 100000) AS n`,
        );
        await host.sync.resume({ source: 'stripe' });
        await until(() => handled.includes('acct_busy'));
        const payload = {
          id: 'evt_alone',
          object: 'event',
          type: 'customer.updated',
          account: 'acct_quiet',
          created: Math.floor(Date.now() / 1000),
          livemode: false,
          data: { object: { object: 'customer', id: 'cus_alone' } },
        };
        const body = JSON.stringify(payload);
        const headers = { 'stripe-signature': host.stripe.sign(body) };
        expect(await host.sync.receive('stripe', { body, headers })).toMatchObject({ status: 200 });
        await until(() => handled.includes('acct_quiet'));
        // Behind a hundred thousand it would have been the last.
        expect(handled.length).toBeLessThan(5_000);
        await host.sync.pause({ source: 'stripe', connectionId: 'acct_busy' });
      } finally {
        await host.close();
      }
    },
  );
});
