import { Injectable } from '@nestjs/common';
import { OnSyncChange, OnSyncEvent, SyncContext, SyncEvent } from 'nestjs-hybrid-sync';
import type { Host, HostOptions } from '../support/host.js';
import { Customer } from '../support/customer.js';
import {
  expectMirrorEqual,
  found,
  longAgo,
  NONE,
  passTime,
  reconcile,
  startMirroring,
} from '../support/reconciling.js';
import { effects, write } from '../support/scenario.js';

const YEAR_S = 365 * 86_400;

@Injectable()
class Crm {
  @OnSyncEvent('stripe', '*', { hydrate: false })
  async book({ id }: SyncEvent, { manager }: SyncContext) {
    await write(manager, 'event', id);
  }
}

@Injectable()
class Catalog {
  @OnSyncChange('stripe', 'product')
  async copy(_: unknown, { record, manager }: SyncContext) {
    await write(manager, 'product', record.id);
  }
}

describe('nothing stays lost: reconciliation finds everything', () => {
  let host: Host;
  afterEach(() => host.close());

  const start = async (options: Partial<HostOptions> = {}) => (host = await startMirroring(options));

  it('lists exactly what was lost among much that was not: new records, updates of old ones, deletions', async () => {
    await start({ providers: [Crm] });
    const now = Math.floor(Date.now() / 1000);
    for (let i = 0; i < 300; i += 1)
      host.stripe.create('customer', { id: `cus_${i}`, created: now - i * 86_400 * 3 });
    await longAgo(host);
    // 5 % of what happens now is lost, updates of records of more than a year ago and deletions among it.
    const lost: string[] = [];
    for (let i = 0; i < 200; i += 1) {
      const isLost = i % 20 === 7;
      const delivery = isLost ? 'lost' : 'sent';
      const id = `cus_${i}`;
      const kind = i % 40 === 7 ? 'stale' : 'gone';
      if (kind === 'gone' && isLost) host.stripe.delete('customer', id, { delivery });
      else host.stripe.update('customer', id, { email: `new${i}@example.com` }, { delivery });
      if (isLost) lost.push(`${kind} ${id}: ${kind === 'gone' ? 'deleted-unseen' : 'never-delivered'}`);
    }
    for (let i = 0; i < 3; i += 1) {
      host.stripe.create('customer', { id: `cus_new${i}` }, { delivery: 'lost' });
      lost.push(`missing cus_new${i}: never-delivered`);
    }
    await longAgo(host);

    const handled = (await effects(host)).length;
    const report = await reconcile(host);
    expect((await found(host, report)).sort()).toEqual(lost.sort());
    expect(report).toMatchObject({
      kind: 'reconcile',
      state: 'completed',
      resources: { customer: { read: 298 } },
      findings: { customer: { missing: 3, stale: 5, gone: 5, local: 0, repaired: 13 } },
      notDone: [],
    });
    await expectMirrorEqual(host);
    // Nothing was delivered, so no event handler was called.
    expect(await effects(host)).toHaveLength(handled);
    expect(YEAR_S).toBeLessThan(200 * 86_400 * 3);

    passTime(host, 600_000);
    const second = await reconcile(host);
    expect(second).toMatchObject({
      state: 'completed',
      findings: NONE,
      resources: { customer: { changed: 0 } },
    });
    expect(await found(host, second)).toEqual([]);
  });

  it('says since when, and costs a call for a hundred records and one for each that differs', async () => {
    await start();
    for (let i = 0; i < 250; i += 1) host.stripe.create('customer', { id: `cus_${i}` });
    await longAgo(host);
    const [{ saved_at: savedAt }] = (await host.sql(
      `SELECT saved_at FROM sync_record WHERE record_id = 'cus_7'`,
    )) as [{ saved_at: unknown }];
    host.stripe.update('customer', 'cus_7', { email: 'x@example.com' }, { delivery: 'lost' });
    const before = host.stripe.requests.all().length;
    const report = await reconcile(host);
    expect(report.findings.customer!.since).toEqual(
      new Date(Number.isNaN(Number(savedAt)) ? (savedAt as Date) : Number(savedAt)),
    );
    const [finding] = await host.sync.run(report.id).findings();
    expect(finding).toMatchObject({ resource: 'customer', recordId: 'cus_7', kind: 'stale', repaired: true });
    expect(host.stripe.requests.all().length - before).toBeLessThanOrEqual(7);
  });

  it('reports and changes nothing on request', async () => {
    await start();
    for (let i = 0; i < 30; i += 1) host.stripe.create('customer', { id: `cus_${i}` });
    await longAgo(host);
    host.stripe.update('customer', 'cus_1', { email: 'new@example.com' }, { delivery: 'lost' });
    host.stripe.delete('customer', 'cus_2', { delivery: 'lost' });
    host.stripe.create('customer', { id: 'cus_new' }, { delivery: 'lost' });
    passTime(host, 600_000);
    const before = await host.sql(`SELECT id FROM sync_event`);
    const dry = await reconcile(host, { dryRun: true });
    const lost = [
      'stale cus_1: never-delivered',
      'gone cus_2: deleted-unseen',
      'missing cus_new: never-delivered',
    ];
    expect(await found(host, dry)).toEqual(lost);
    expect(dry.findings.customer).toMatchObject({ missing: 1, stale: 1, gone: 1, repaired: 0 });
    expect(await host.sql(`SELECT id FROM sync_event`)).toEqual(before);
    expect(await host.dataSource.getRepository(Customer).countBy({ id: 'cus_2' })).toBe(1);
    expect(await found(host, await reconcile(host))).toEqual(lost);
  });

  it('reads what may differ by itself before it reports it, on a dry run too: listings lag behind', async () => {
    await start();
    for (let i = 0; i < 30; i += 1) host.stripe.create('customer', { id: `cus_${i}` });
    await longAgo(host);
    for (let i = 0; i < 5; i += 1)
      host.stripe.update('customer', `cus_${i}`, { email: `new${i}@example.com` });
    host.stripe.create('customer', { id: 'cus_new' });
    host.stripe.delete('customer', 'cus_9', { delivery: 'lost' });
    await longAgo(host);
    // Listings do not know yet what has happened since: what is known is newer than they are.
    host.stripe.faults.staleListMs = 900_000;
    expect(await found(host, await reconcile(host, { dryRun: true }))).toEqual([]);
    host.stripe.faults.staleListMs = 0;
    const reads = { path: /customers\/cus/ };
    const before = host.stripe.requests.count(reads);
    host.stripe.faults.failNext({ match: reads, times: 2, status: 503 });
    expect(await found(host, await reconcile(host, { dryRun: true }))).toEqual([
      'gone cus_9: deleted-unseen',
    ]);
    expect(host.stripe.requests.count(reads) - before).toBeLessThanOrEqual(5);
  });

  it('finds rows that were changed by hand, and has them written again', async () => {
    await start();
    for (let i = 0; i < 30; i += 1)
      host.stripe.create('customer', { id: `cus_${i}`, email: `${i}@example.com` });
    await longAgo(host);
    const rows = host.dataSource.getRepository(Customer);
    await rows.update({ id: 'cus_3' }, { email: 'hand@example.com' });
    await rows.delete({ id: 'cus_4' });
    const report = await reconcile(host);
    expect(await found(host, report)).toEqual([
      'local cus_3: changed-locally',
      'local cus_4: changed-locally',
    ]);
    expect(report.findings.customer).toMatchObject({ local: 2, repaired: 2 });
    await expectMirrorEqual(host);
    expect(await reconcile(host)).toMatchObject({ findings: NONE });
  });

  it('learns what adopted rows hold, and reports those that are not right', async () => {
    await start();
    const rows = host.dataSource.getRepository(Customer);
    for (let i = 0; i < 30; i += 1) {
      const email = `${i}@example.com`;
      host.stripe.create('customer', { id: `cus_${i}`, email }, { delivery: 'unlogged' });
      await rows.insert({ id: `cus_${i}`, email: i === 7 ? 'old@example.com' : email });
    }
    await host.sync.adopt('stripe', 'customer', { from: Customer, key: 'id' });
    passTime(host, 600_000);
    const before = host.stripe.requests.count({ path: /customers\/cus/ });
    expect(await found(host, await reconcile(host))).toEqual(['stale cus_7: never-delivered']);
    expect(host.stripe.requests.count({ path: /customers\/cus/ })).toBe(before);
    await expectMirrorEqual(host);
    expect(await reconcile(host)).toMatchObject({ findings: NONE });
  });

  it('is done for the resources that are asked for', async () => {
    await start({ providers: [Catalog] });
    host.stripe.create('product', { id: 'prod_1' }, { delivery: 'lost' });
    host.stripe.create('customer', { id: 'cus_1' }, { delivery: 'lost' });
    const report = await reconcile(host, { resources: ['customer'] });
    expect(Object.keys(report.resources)).toEqual(['customer']);
    expect(await found(host, report)).toEqual(['missing cus_1: never-delivered']);
  });

  it('refuses what it cannot do, and begins nothing', async () => {
    await start();
    await expect(host.sync.reconcile({ source: 'stripe', dry: true } as never)).rejects.toThrow(/'dry'/);
    await expect(host.sync.reconcile({ source: 'stripe', resources: ['discount'] })).rejects.toThrow(
      /cannot be listed/,
    );
    expect(await host.sql('SELECT id FROM sync_run')).toEqual([]);
  });
});
