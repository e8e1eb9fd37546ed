import { Injectable } from '@nestjs/common';
import { mirror, OnSyncChange, OnSyncEvent, SyncContext, SyncEvent } from 'nestjs-hybrid-sync';
import type { RunReport } from 'nestjs-hybrid-sync';
import type { ApiRequestEntry } from 'nestjs-hybrid-sync/testing';
import { RunScheduler } from '../../lib/ingest/runs/run.scheduler.js';
import { startHost, until, type Host, type HostOptions } from '../support/host.js';
import { effects, quick, settled, travel, write } from '../support/scenario.js';
import { Customer } from '../support/customer.js';

const DAY_S = 86_400;

@Injectable()
class Crm {
  @OnSyncEvent('stripe', '*', { hydrate: false })
  async never({ type }: SyncEvent, { manager }: SyncContext) {
    await write(manager, 'event', type);
  }

  @OnSyncChange('stripe', 'product')
  async product(_: unknown, { record, manager }: SyncContext) {
    await write(manager, 'product', record.id);
  }
}

let failing = false;

@Injectable()
class Invoicing {
  @OnSyncChange('stripe', 'invoice', {
    requires: (invoice) => [['customer', (invoice as { customer: string }).customer]],
  })
  async invoice(_: unknown, { record, manager }: SyncContext) {
    if (failing) throw new Error('not now');
    await write(manager, 'invoice', record.id);
  }
}

const customers = mirror('stripe', 'customer', {
  to: Customer,
  key: ['id'],
  map: ({ id, email }: { id: string; email: string | null }) => ({ id, email }),
});

describe('backfill', () => {
  let host: Host;
  beforeEach(() => {
    failing = false;
  });
  afterEach(() => host.close());

  async function start(options: Partial<HostOptions> = {}): Promise<void> {
    host = await startHost({
      ...quick,
      entities: [...quick.entities, Customer],
      mirrors: [customers],
      ...options,
      sync: { ...quick.sync, ...options.sync },
    });
  }

  /** Records that were there before this application was, some of them for years. */
  function old(
    type: string,
    count: number,
    params: (i: number) => Record<string, unknown> = () => ({}),
  ): void {
    const now = Math.floor(Date.now() / 1000);
    for (let i = 0; i < count; i += 1) {
      const created = now - Math.floor((i / count) ** 2 * 4 * 365 * DAY_S) - 60;
      host.stripe.create(type, { id: `${type}_${i}`, created, ...params(i) }, { delivery: 'unlogged' });
    }
  }

  const lists = (path: string) => host.stripe.requests.all({ path });
  const mirrored = () => host.dataSource.getRepository(Customer).count();
  const names = (prefix: string, count: number) =>
    Array.from({ length: count }, (_, i) => `${prefix}_${i}`).sort();

  it('makes every record known, with one call for a hundred of them and none for each', async () => {
    await start();
    old('customer', 450);
    const run = await host.sync.backfill({ source: 'stripe' });
    const report = await run.done();
    expect(report).toMatchObject({
      kind: 'backfill',
      state: 'completed',
      resources: { customer: { state: 'completed', read: 450, changed: 450, error: null } },
      notDone: [],
      leftMs: null,
    });
    const rows = await host.dataSource.getRepository(Customer).find();
    expect(rows.map(({ id }) => id).sort()).toEqual(names('customer', 450));
    expect(host.stripe.requests.all()).toHaveLength(lists('/v1/customers').length);
    expect(lists('/v1/customers').length).toBeLessThanOrEqual(9);
    // What was listed is in the host's tables, and need not be kept twice.
    expect(await host.sql(`SELECT id FROM sync_event WHERE payload IS NOT NULL`)).toEqual([]);
  });

  it('begins at once and goes on as soon as it can: waiting for its own events or a pause, it waits for no sweep', async () => {
    await start({ providers: [Crm], sync: { sweepEveryMs: 2_000_000 } });
    old('product', 3);
    old('customer', 110);
    const run = await host.sync.backfill({ source: 'stripe' });
    await run.pause();
    await run.resume();
    expect(await run.done()).toMatchObject({ state: 'completed', resources: { customer: { read: 110 } } });
  });

  it('calls nobody a second time, and no event handler at all', async () => {
    await start({ providers: [Crm] });
    old('product', 5);
    old('customer', 5);
    await (await host.sync.backfill({ source: 'stripe' })).done();
    const again = await (await host.sync.backfill({ source: 'stripe' })).done();
    expect(again.resources).toMatchObject({
      product: { read: 5, changed: 0 },
      customer: { read: 5, changed: 0 },
    });
    expect((await effects(host)).sort()).toEqual(names('product', 5).map((id) => `product ${id}`));
  });

  it('overwrites nothing newer: neither what was saved while the page was on its way, nor a deletion', async () => {
    await start();
    old('customer', 3, (i) => ({
      email: 'old@example.com',
      created: Math.floor(Date.now() / 1000) - 60 - i,
    }));
    const youngest = ({ path, query }: ApiRequestEntry) =>
      path === '/v1/customers' && (query.created as { lt?: number } | undefined)?.lt === undefined;
    const page = host.stripe.hold(youngest);
    const run = await host.sync.backfill({ source: 'stripe' });
    await page.reached;
    host.stripe.update('customer', 'customer_0', { email: 'new@example.com' });
    host.stripe.delete('customer', 'customer_1');
    await host.stripe.flush();
    await settled(host);
    // Long enough ago that no lag of the listing has to be reckoned with.
    travel(host, 40_000);
    page.release();
    await run.done();
    await settled(host);
    const rows = await host.dataSource.getRepository(Customer).find({ order: { id: 'ASC' } });
    expect(rows.map(({ id, email }) => `${id} ${email}`)).toEqual([
      'customer_0 new@example.com',
      'customer_2 old@example.com',
    ]);
  });

  it('brings no deleted record back, though a listing that lags behind still has it', async () => {
    await start();
    host.stripe.create('customer', { id: 'cus_1' });
    await host.stripe.flush();
    await settled(host);
    const wait = (ms: number) => {
      host.stripe.clock.offsetMs += ms;
      travel(host, ms);
    };
    wait(30_000);
    host.stripe.delete('customer', 'cus_1');
    await host.stripe.flush();
    await settled(host);
    wait(40_000);
    host.stripe.faults.staleListMs = 55_000;
    const report = await (await host.sync.backfill({ source: 'stripe' })).done();
    expect(report.resources.customer).toMatchObject({ read: 1, changed: 1 });
    expect(await mirrored()).toBe(0);
  });

  it('fetches what a listing cuts off, or may be too old for', async () => {
    await start({ providers: [Invoicing] });
    old('customer', 1);
    const lines = Array.from({ length: 12 }, (_, i) => ({ description: `line ${i}` }));
    old('invoice', 2, (i) => ({ customer: 'customer_0', lines: i === 0 ? lines : lines.slice(0, 2) }));
    await (await host.sync.backfill({ source: 'stripe' })).done();
    expect((await effects(host)).sort()).toEqual(['invoice invoice_0', 'invoice invoice_1']);
    expect(lists('/v1/invoices/invoice_0')).toHaveLength(1);
    expect(lists('/v1/invoices/invoice_1')).toHaveLength(0);
  });

  it('lists parents before children, so that no parent is fetched for a child', async () => {
    await start({ providers: [Invoicing] });
    old('customer', 250);
    old('invoice', 250, (i) => ({ customer: `customer_${(i * 7) % 250}` }));
    const report = await (await host.sync.backfill({ source: 'stripe' })).done();
    expect(report.state).toBe('completed');
    expect(host.stripe.requests.all().filter(({ path }) => /^\/v1\/\w+\/\w+/.test(path))).toEqual([]);
  });

  it('reads what was created within the given time, of the given resources', async () => {
    await start({ providers: [Crm] });
    old('customer', 100);
    old('product', 5);
    const now = Date.now();
    const from = new Date(now - 365 * DAY_S * 1000);
    const to = new Date(now - 30 * DAY_S * 1000);
    const report = await (
      await host.sync.backfill({ source: 'stripe', resources: ['customer'], from, to })
    ).done();
    const within = host.stripe
      .all('customer')
      .filter(({ created }) => created * 1000 >= from.getTime() && created * 1000 < to.getTime());
    expect(within.length).toBeGreaterThan(10);
    expect(report.resources).toEqual({ customer: expect.objectContaining({ read: within.length }) });
    expect(await mirrored()).toBe(within.length);
  });

  it('tells how far it is, can be paused, and goes on from there', async () => {
    await start();
    old('customer', 1_000);
    const seen: RunReport[] = [];
    const fifth = host.stripe.hold(
      (request) =>
        request.path === '/v1/customers' && host.stripe.requests.count({ path: '/v1/customers' }) > 5,
    );
    const run = await host.sync.backfill({ source: 'stripe' });
    const done = new Promise<void>((resolve, reject) =>
      run.progress.subscribe({ next: (report) => seen.push(report), complete: resolve, error: reject }),
    );
    await fifth.reached;
    await run.pause();
    fifth.release();
    await until(() => seen.some(({ state }) => state === 'paused'));
    const paused = await run.report();
    expect(paused.resources.customer!.read).toBeGreaterThan(0);
    expect(paused.resources.customer!.read).toBeLessThan(1_000);
    expect(paused.leftMs).toBeGreaterThan(0);
    expect(paused.notDone).toEqual(['customer: not listed to its end']);
    const asked = lists('/v1/customers').length;
    await settled(host);
    expect(lists('/v1/customers')).toHaveLength(asked);

    await host.sync.run(run.id).resume();
    await done;
    expect(seen.at(-1)).toMatchObject({ state: 'completed', resources: { customer: { read: 1_000 } } });
    expect(await mirrored()).toBe(1_000);
  });

  it('can be cancelled, and says what it has not done', async () => {
    await start();
    old('customer', 1_000);
    const page = host.stripe.hold({ path: '/v1/customers' });
    const run = await host.sync.backfill({ source: 'stripe' });
    await page.reached;
    await run.cancel();
    page.release();
    expect(await run.done()).toMatchObject({
      state: 'cancelled',
      notDone: ['customer: not listed to its end'],
    });
    await run.resume();
    expect(await run.report()).toMatchObject({ state: 'cancelled' });
  });

  it('is taken over from a process that is away for too long, whose pages then come to nothing', async () => {
    await start();
    old('customer', 250);
    const other = await startHost({
      ...quick,
      entities: [Customer],
      mirrors: [customers],
      beside: host,
      sync: { ...quick.sync, sweepEveryMs: 2_000_000 },
    });
    try {
      const page = host.stripe.hold({ path: '/v1/customers' });
      const run = await host.sync.backfill({ source: 'stripe' });
      await page.reached;
      travel(other, 61_000);
      const scheduler = other.app.get(RunScheduler, { strict: false });
      await until(async () => {
        await scheduler.look();
        return (await run.report()).state === 'completed';
      });
      page.release();
      await host.sync.idle();
      expect(await run.report()).toMatchObject({
        state: 'completed',
        resources: { customer: { read: 250 } },
      });
    } finally {
      await other.close();
    }
  });

  it('fails for the resource that fails, goes on with the others, and is no success', async () => {
    await start({ providers: [Crm] });
    old('product', 3);
    old('customer', 3);
    host.stripe.faults.failNext({
      match: { path: '/v1/products' },
      status: 400,
      times: 4,
      code: 'parameter_unknown',
    });
    const report = await (await host.sync.backfill({ source: 'stripe' })).done();
    expect(report).toMatchObject({
      state: 'failed',
      resources: { product: { state: 'failed' }, customer: { state: 'completed', changed: 3 } },
      notDone: [expect.stringMatching(/^product: failed, Stripe: 400, parameter_unknown/)],
    });
    expect(await mirrored()).toBe(3);
  });

  it('waits for a provider that is down, or says 429, and goes on', async () => {
    await start();
    old('customer', 300);
    host.stripe.faults.failNext({ match: { path: '/v1/customers' }, status: 500, times: 3 });
    host.stripe.faults.rateLimit = { next: 1 };
    const run = await host.sync.backfill({ source: 'stripe' });
    const state = async () => {
      travel(host, 1_000);
      return (await run.report()).state;
    };
    await until(async () => (await state()) === 'completed');
    expect(await mirrored()).toBe(300);
  });

  it('ends with what handlers could not do, and says so', async () => {
    await start({ providers: [Invoicing], source: { ...quick.source, backoffMs: () => 600_000 } });
    old('customer', 1);
    old('invoice', 2, () => ({ customer: 'customer_0' }));
    failing = true;
    const report = await (await host.sync.backfill({ source: 'stripe' })).done();
    expect(report).toMatchObject({ state: 'completed', notDone: ['2 record(s) wait: retry'] });
    failing = false;
    travel(host, 700_000);
    await settled(host);
    expect(await effects(host)).toHaveLength(2);
    expect((await host.sync.run(report.id).report()).notDone).toEqual([]);
  });

  it.each<[mistake: string, options: object, message: RegExp]>([
    ['an unknown source', { source: 'strip' }, /there is no source 'strip'; there is: 'stripe'/],
    [
      'an unknown connection',
      { source: 'stripe', connectionId: 'acct_1' },
      /no connection 'acct_1'.*'default'/,
    ],
    [
      'an unknown resource',
      { source: 'stripe', resources: ['invoces'] },
      /'invoces' cannot be listed; what can: .*'invoice'/,
    ],
    [
      'one that nobody is told of',
      { source: 'stripe', resources: ['charge'] },
      /nobody would be told of 'charge'/,
    ],
    [
      'a misspelt option',
      { source: 'stripe', resource: ['customer'] },
      /'resource'\. Did you mean 'resources'/,
    ],
    ['a text for a date', { source: 'stripe', from: '2026-01-01' }, /from must be a valid Date/],
    ['a range that is none', { source: 'stripe', from: new Date(2), to: new Date(1) }, /is not before to/],
  ])('refuses %s, and begins nothing', async (_, options, message) => {
    await start();
    await expect(host.sync.backfill(options as never)).rejects.toThrow(message);
    await expect(host.sync.backfill(options as never)).rejects.toBeInstanceOf(RangeError);
    expect(await host.sql('SELECT id FROM sync_run')).toEqual([]);
  });

  it('has no run of an id that is none, and no part of findings that is none', async () => {
    await start();
    await expect(host.sync.run('4711').report()).rejects.toThrow(/there is no run '4711'/);
    for (const id of ['999', 'abc', '', '1.5', '9'.repeat(30)])
      for (const call of ['report', 'findings', 'pause', 'resume', 'cancel'] as const)
        await expect(host.sync.run(id)[call]()).rejects.toThrow(RangeError);
    const run = await host.sync.backfill({ source: 'stripe' });
    for (const page of [{ limit: -1 }, { limit: 'x' }, { limt: 5 }, null])
      await expect(run.findings(page as never)).rejects.toThrow(/SyncRun\.findings\(\): /);
  });
});
