import { jest } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { OnSyncChange, SyncContext, UnrecoverableError } from 'nestjs-hybrid-sync';
import { SyncDatabase } from '../../lib/database/sync.database.js';
import type { Host, HostOptions } from '../support/host.js';
import {
  expectMirrorEqual,
  found,
  longAgo,
  NONE,
  passTime,
  reconcile,
  startMirroring,
} from '../support/reconciling.js';
import { effects, settled, write } from '../support/scenario.js';

let broken = new Set<string>();

@Injectable()
class Catalog {
  @OnSyncChange('stripe', 'product')
  async copy(_: unknown, { record, manager }: SyncContext) {
    if (broken.has(record.id)) throw new UnrecoverableError('broken');
    await write(manager, 'product', record.id);
  }
}

describe('nothing stays lost: reconciliation says why, and takes nothing for lost that is not', () => {
  let host: Host;
  const hosts: Host[] = [];
  beforeEach(() => {
    broken = new Set();
  });
  afterEach(async () => {
    for (const each of hosts.splice(0).reverse()) await each.close();
  });

  async function start(options: Partial<HostOptions> = {}): Promise<void> {
    host = await startMirroring(options);
    hosts.push(host);
  }

  it('says why: what was delivered and died is told from what never came', async () => {
    await start({ providers: [Catalog] });
    broken.add('prod_1');
    host.stripe.create('product', { id: 'prod_1' });
    host.stripe.create('product', { id: 'prod_2' });
    await longAgo(host);
    broken.clear();
    host.stripe.update('product', 'prod_1', { name: 'other' }, { delivery: 'lost' });
    host.stripe.create('product', { id: 'prod_3' }, { delivery: 'lost' });
    const report = await reconcile(host);
    expect(await found(host, report)).toEqual([
      'stale prod_1: delivered-but-dead',
      'missing prod_3: never-delivered',
    ]);
    expect((await effects(host)).sort()).toEqual(['product prod_1', 'product prod_2', 'product prod_3']);
  });

  it('says why: what came when nobody handled it is told from both', async () => {
    await start({ mirrors: [] });
    host.stripe.create('customer', { id: 'cus_1' });
    host.stripe.create('customer', { id: 'cus_2' }, { delivery: 'lost' });
    await longAgo(host);
    // For so long that it is not taken up by itself any more.
    await host.sql(`UPDATE sync_event SET received_at = received_at - interval '9 days',
      settled_at = settled_at - interval '9 days'`);
    const { app, database, stripe } = host;
    await app.close();
    await start({ beside: { database, stripe } as Host });
    passTime(host, 600_000);
    const report = await reconcile(host);
    expect(await found(host, report)).toEqual([
      'missing cus_1: type-ignored',
      'missing cus_2: never-delivered',
    ]);
  });

  it('takes nothing for lost that is on its way', async () => {
    await start();
    host.stripe.create('customer', { id: 'cus_1' });
    await longAgo(host);
    const page = host.stripe.hold({ path: '/v1/customers' });
    const run = await host.sync.reconcile({ source: 'stripe' });
    await page.reached;
    host.stripe.update('customer', 'cus_1', { email: 'new@example.com' });
    host.stripe.create('customer', { id: 'cus_2' });
    page.release();
    await host.stripe.flush();
    const report = await run.done();
    expect(report).toMatchObject({ state: 'completed', findings: NONE });
    // What has come meanwhile is nothing that the run waits for.
    await settled(host);
    await expectMirrorEqual(host);
  });

  it('takes nothing for lost that comes while it is read by itself, even if it is done with while that is decided', async () => {
    await start();
    host.stripe.create('customer', { id: 'cus_1' });
    await longAgo(host);
    host.stripe.update('customer', 'cus_1', { email: 'new@example.com' }, { delivery: 'lost' });
    const read = host.stripe.hold({ path: '/v1/customers/cus_1' });
    const run = await host.sync.reconcile({ source: 'stripe' });
    await read.reached;
    host.stripe.resend(host.stripe.all('event').at(-1)!.id);
    await host.stripe.flush();
    const itsOwn = host.stripe.hold({ path: '/v1/customers/cus_1' });
    const database = host.app.get(SyncDatabase, { strict: false });
    const query = database.query.bind(database);
    jest.spyOn(database, 'query').mockImplementation(async (sql, params) => {
      if (sql.includes('AS unfinished')) {
        await itsOwn.reached;
        itsOwn.release();
        await settled(host);
      }
      return query(sql, params);
    });
    read.release();
    expect(await run.done()).toMatchObject({ state: 'completed', findings: NONE });
    expect(database.query).toHaveBeenCalledWith(expect.stringContaining('AS unfinished'), expect.anything());
    await expectMirrorEqual(host);
  });
});
