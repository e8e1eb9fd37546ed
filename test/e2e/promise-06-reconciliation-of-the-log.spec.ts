import { Injectable } from '@nestjs/common';
import {
  OnSyncChange,
  OnSyncEvent,
  SyncChange,
  SyncContext,
  SyncEvent,
  UnrecoverableError,
} from 'nestjs-hybrid-sync';
import { startHost, until, type Host, type HostOptions } from '../support/host.js';
import { found, longAgo, NONE, passTime, reconcile } from '../support/reconciling.js';
import { effects, quick, settled, travel, write } from '../support/scenario.js';

const DAY_MS = 86_400_000;

let broken = new Set<string | null>();

@Injectable()
class Crm {
  @OnSyncEvent('stripe', 'customer.*', { hydrate: false })
  async book({ type }: SyncEvent, { record, manager }: SyncContext) {
    await write(manager, type, record.id);
  }

  @OnSyncChange('stripe', 'product')
  async copy({ kind }: SyncChange, { record, manager }: SyncContext) {
    if (broken.has(record.id)) throw new UnrecoverableError('broken');
    await write(manager, `product ${kind}`, record.id);
  }
}

describe('nothing stays lost: reconciliation of the log', () => {
  let host: Host;
  beforeEach(async () => {
    broken = new Set();
    host = await start();
  });
  afterEach(() => host.close());

  /** Webhooks alone: nothing else brings what they lose. */
  function start(options: Partial<HostOptions> = {}): Promise<Host> {
    return startHost({
      ...quick,
      providers: [Crm],
      ...options,
      source: { backoffMs: () => 20, mode: 'webhook', ...options.source },
      sync: { ...quick.sync, missingConfirmMs: 40 },
    });
  }

  const ofLog = (more: { dryRun?: boolean; resources?: string[] } = {}) =>
    reconcile(host, { depth: 'log', ...more });

  it('finds the events that have not come, for event handlers too, and has each handled once', async () => {
    for (let i = 0; i < 150; i += 1)
      host.stripe.create('customer', { id: `cus_${i}` }, { delivery: i % 30 === 3 ? 'lost' : 'sent' });
    host.stripe.create('product', { id: 'prod_1' });
    host.stripe.create('product', { id: 'prod_2' });
    await longAgo(host);
    // The second brings the newest state, and is no help to who counts events.
    host.stripe.update('customer', 'cus_1', { email: 'a@example.com' }, { delivery: 'lost' });
    host.stripe.update('customer', 'cus_1', { email: 'b@example.com' });
    host.stripe.update('product', 'prod_1', { name: 'other' }, { delivery: 'lost' });
    host.stripe.delete('product', 'prod_2', { delivery: 'lost' });
    host.stripe.create('coupon', { id: 'nobody_cares', percent_off: 5 }, { delivery: 'lost' });
    await longAgo(host);

    // What comes now about a record says nothing about what was lost before.
    host.stripe.update('customer', 'cus_33', { email: 'c@example.com' });
    await host.stripe.flush();
    await settled(host);

    const reads = { path: /^\/v1\/(customers|products)\// };
    const before = host.stripe.requests.count(reads);
    const report = await ofLog();
    expect(report).toMatchObject({
      kind: 'reconcile-log',
      state: 'completed',
      resources: { '*': { state: 'completed', read: 158 } },
      findings: {
        customer: { missing: 4, stale: 2, repaired: 6 },
        product: { stale: 1, gone: 1, repaired: 2 },
      },
      notDone: [],
    });
    expect((await found(host, report)).sort()).toEqual(
      [
        ...[3, 63, 93, 123].map((i) => `missing cus_${i}: never-delivered`),
        'stale cus_1: never-delivered',
        'stale cus_33: never-delivered',
        'stale prod_1: never-delivered',
        'gone prod_2: deleted-unseen',
      ].sort(),
    );
    // One for each product, and some to be sure of the deleted one.
    expect(host.stripe.requests.count(reads) - before).toBeLessThanOrEqual(4);
    const handled = await effects(host);
    expect(new Set(handled.filter((each) => each.startsWith('customer.created'))).size).toBe(150);
    expect(handled.filter((each) => each === 'customer.updated cus_1')).toHaveLength(2);
    expect(handled).toHaveLength(150 + 3 + 4);

    passTime(host, 600_000);
    expect(await ofLog()).toMatchObject({ state: 'completed', findings: NONE });
    expect(await effects(host)).toHaveLength(handled.length);
  });

  it('goes on from where the last good one began: a call when little has happened', async () => {
    for (let i = 0; i < 250; i += 1) host.stripe.create('customer', { id: `cus_${i}` });
    await longAgo(host);
    await ofLog();
    passTime(host, 600_000);
    host.stripe.create('customer', { id: 'cus_lost' }, { delivery: 'lost' });
    await longAgo(host);
    const before = host.stripe.requests.all().length;
    const report = await ofLog();
    expect(await found(host, report)).toEqual(['missing cus_lost: never-delivered']);
    expect(host.stripe.requests.all().length - before).toBe(1);
  });

  it('begins where one that failed began', async () => {
    host.stripe.create('customer', { id: 'cus_1' }, { delivery: 'lost' });
    await longAgo(host);
    host.stripe.faults.unauthorized = true;
    const failed = await reconcile(host, { depth: 'log' }, 10_000);
    expect(failed).toMatchObject({ state: 'failed', notDone: [expect.stringMatching(/^\*: failed/)] });
    host.stripe.faults.unauthorized = false;
    passTime(host, DAY_MS);
    expect(await found(host, await ofLog())).toEqual(['missing cus_1: never-delivered']);
  });

  it('tells what came and died, which is for an operator to run again', async () => {
    broken.add('prod_1');
    host.stripe.create('product', { id: 'prod_1' });
    await longAgo(host);
    broken.clear();
    const report = await ofLog();
    expect(await found(host, report)).toEqual(['stale prod_1: delivered-but-dead']);
    expect(report.findings.product).toMatchObject({ repaired: 0 });
    expect(await effects(host)).toEqual([]);
    await host.sync.replay({ source: 'stripe' });
    await settled(host);
    expect(await effects(host)).toEqual(['product created prod_1']);
  });

  it('takes nothing for lost that is on its way', async () => {
    host.stripe.create('customer', { id: 'cus_1' }, { delivery: 'lost' });
    expect(await ofLog()).toMatchObject({ state: 'completed', findings: NONE });
    // It has come all the same.
    expect(await effects(host)).toEqual(['customer.created cus_1']);
  });

  it('reports and changes nothing on request, of the resources that are asked for', async () => {
    host.stripe.create('customer', { id: 'cus_1' }, { delivery: 'lost' });
    host.stripe.create('product', { id: 'prod_1' }, { delivery: 'lost' });
    await longAgo(host);
    const dry = await ofLog({ dryRun: true, resources: ['product'] });
    expect(await found(host, dry)).toEqual(['missing prod_1: never-delivered']);
    expect(dry.findings.product).toMatchObject({ repaired: 0 });
    expect(await host.sql(`SELECT id FROM sync_event`)).toEqual([]);
  });

  it('takes for read only what a run was about that has done something', async () => {
    host.stripe.create('customer', { id: 'cus_1' }, { delivery: 'lost' });
    host.stripe.create('product', { id: 'prod_1' }, { delivery: 'lost' });
    await longAgo(host);
    await ofLog({ dryRun: true });
    passTime(host, DAY_MS);
    expect(await found(host, await ofLog({ resources: ['product'] }))).toEqual([
      'missing prod_1: never-delivered',
    ]);
    passTime(host, DAY_MS);
    expect(await found(host, await ofLog())).toEqual(['missing cus_1: never-delivered']);
    passTime(host, DAY_MS);
    const before = host.stripe.requests.all().length;
    expect(await ofLog({ resources: ['product'] })).toMatchObject({ findings: NONE });
    expect(host.stripe.requests.all().length - before).toBe(1);
  });

  it('compares with listings where the log does not reach back so far', async () => {
    host.stripe.create('product', { id: 'prod_1' }, { delivery: 'lost' });
    passTime(host, 40 * DAY_MS);
    const report = await ofLog();
    expect(report).toMatchObject({
      kind: 'reconcile',
      state: 'completed',
      findings: { product: { missing: 1 } },
    });
    host.stripe.create('product', { id: 'prod_2' }, { delivery: 'lost' });
    await longAgo(host);
    expect(await ofLog()).toMatchObject({ kind: 'reconcile-log', findings: { product: { missing: 1 } } });
  });

  it('is done at its time beside the other depth, each by itself', async () => {
    const policies = [{ cron: '0 * * * *', depth: 'log' }, { cron: '0 3 * * *' }] as const;
    const other = await start({ beside: host, source: { reconcile: policies } });
    try {
      const kinds = async () =>
        (await host.sql(`SELECT id, kind FROM sync_run WHERE state = 'completed' ORDER BY id`)).map(
          ({ kind }) => kind as string,
        );
      travel(other, 3_600_000);
      await until(async () => (await kinds()).includes('reconcile-log'));
      travel(other, DAY_MS);
      await until(async () => (await kinds()).includes('reconcile'));
      await until(async () => (await kinds()).filter((kind) => kind === 'reconcile-log').length === 2);
    } finally {
      await other.close();
    }
  });

  it('refuses what it cannot do, and begins nothing', async () => {
    await expect(host.sync.reconcile({ source: 'stripe', depth: 'deep' as never })).rejects.toThrow(
      /depth must be 'full' or 'log'/,
    );
    await expect(
      host.sync.reconcile({ source: 'stripe', depth: 'log', resources: ['custmer'] }),
    ).rejects.toThrow(/'custmer' cannot be read from stripe/);
    await settled(host);
    expect(await host.sql('SELECT id FROM sync_run')).toEqual([]);
  });
});
