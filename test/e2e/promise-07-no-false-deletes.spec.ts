import { Injectable } from '@nestjs/common';
import { mirror, OnSyncAlarm, SyncAlarm } from 'nestjs-hybrid-sync';
import type { RunReport } from 'nestjs-hybrid-sync';
import type { ApiRequestEntry } from 'nestjs-hybrid-sync/testing';
import { startHost, until, type Host } from '../support/host.js';
import { Customer } from '../support/customer.js';
import { quick, settled, travel } from '../support/scenario.js';
import { NONE } from '../support/reconciling.js';

const RECORDS = 1_000;

let alarms: string[] = [];

@Injectable()
class Watch {
  @OnSyncAlarm()
  note({ kind }: SyncAlarm) {
    alarms.push(kind);
  }
}

describe('no false deletes', () => {
  let host: Host;

  beforeAll(async () => {
    host = await startHost({
      ...quick,
      providers: [Watch],
      entities: [...quick.entities, Customer],
      mirrors: [
        mirror('stripe', 'customer', {
          to: Customer,
          key: ['id'],
          map: ({ id, email }: { id: string; email: string | null }) => ({ id, email }),
        }),
      ],
      sync: { ...quick.sync, missingConfirmMs: 40 },
    });
    const now = Math.floor(Date.now() / 1000);
    for (let i = 0; i < RECORDS; i += 1)
      host.stripe.create('customer', { id: `cus_${i}`, created: now - 60 - i }, { delivery: 'unlogged' });
    await (await host.sync.backfill({ source: 'stripe' })).done();
    travel(host, 600_000);
  });
  afterAll(() => host.close());
  beforeEach(() => {
    alarms = [];
  });
  afterEach(async () => {
    host.stripe.faults.clear();
    await settled(host);
    // Whatever has gone wrong: all are there.
    expect(await host.dataSource.getRepository(Customer).count()).toBe(host.stripe.all('customer').length);
  });

  async function reconcile(options: { believeDeletions?: boolean } = {}): Promise<RunReport> {
    const run = await host.sync.reconcile({ source: 'stripe', ...options });
    let report = await run.report();
    await until(async () => {
      travel(host, 200);
      report = await run.report();
      return report.finishedAt !== null;
    });
    return report;
  }

  /** The seventh page of the listing. */
  const seventh = () => {
    const before = host.stripe.requests.count({ path: '/v1/customers' });
    return ({ path }: { path: string }) =>
      path === '/v1/customers' && host.stripe.requests.count({ path: '/v1/customers' }) - before >= 7;
  };

  it('because a page fails', async () => {
    host.stripe.faults.failNext({ match: seventh(), status: 400, times: 1_000 });
    const report = await reconcile();
    expect(report).toMatchObject({
      state: 'failed',
      findings: NONE,
      resources: { customer: { state: 'failed' } },
    });
    expect(report.resources.customer!.read).toBeGreaterThanOrEqual(300);
  });

  it('because a page comes back empty, as if it were the last one', async () => {
    const body = { object: 'list', data: [], has_more: false, url: '/v1/customers' };
    host.stripe.faults.failNext({ match: seventh(), status: 200, body });
    const report = await reconcile();
    expect(report).toMatchObject({ state: 'halted', findings: NONE });
    expect(report.notDone).toEqual([
      expect.stringMatching(/^customer: \d+ of 1000 records are not in the listing/),
    ]);
    expect(alarms).toEqual(['delete-cap']);
  });

  it('because a few are missing on a page: each is read once more by itself', async () => {
    const first = host.stripe.all('customer').reverse().slice(0, 100);
    const youngest = ({ path, query }: ApiRequestEntry) =>
      path === '/v1/customers' &&
      !query.starting_after &&
      (query.created as { lt?: number } | undefined)?.lt === undefined;
    host.stripe.faults.failNext({
      match: youngest,
      status: 200,
      body: { object: 'list', data: first.slice(0, 85), has_more: true, url: '/v1/customers' },
    });
    // The page after the one that has too few goes on behind those that are missing.
    host.stripe.faults.failNext({
      match: ({ query }) => query.starting_after === first[84]!.id,
      status: 200,
      body: {
        object: 'list',
        data: host.stripe.all('customer').reverse().slice(100, 200),
        has_more: true,
        url: '/v1/customers',
      },
    });
    const before = host.stripe.requests.count({ path: /customers\/cus/ });
    const report = await reconcile();
    expect(report).toMatchObject({
      state: 'completed',
      findings: NONE,
      resources: { customer: { read: RECORDS - 15 } },
    });
    expect(host.stripe.requests.count({ path: /customers\/cus/ }) - before).toBe(15);
  });

  it('because the key is of another account, for which there is nothing', async () => {
    host.stripe.faults.failNext({
      match: { path: '/v1/customers' },
      status: 200,
      times: 10,
      body: { object: 'list', data: [], has_more: false, url: '/v1/customers' },
    });
    const before = host.stripe.requests.count({ path: /customers\/cus/ });
    const report = await reconcile();
    expect(report).toMatchObject({ state: 'halted', findings: NONE });
    expect(alarms).toEqual(['delete-cap']);
    // Not one of them was even asked for.
    expect(host.stripe.requests.count({ path: /customers\/cus/ })).toBe(before);
  });

  it('because the key may not list', async () => {
    host.stripe.faults.unauthorized = true;
    const report = await reconcile();
    expect(report).toMatchObject({ state: 'failed', findings: NONE });
  });

  it('and yet what is really gone goes', async () => {
    for (let i = 0; i < 15; i += 1) host.stripe.delete('customer', `cus_${i * 60}`, { delivery: 'lost' });
    const report = await reconcile();
    expect(report).toMatchObject({ state: 'completed', findings: { customer: { gone: 15, repaired: 15 } } });
  });

  it('and yet so many go as someone has seen to: the next run may believe it, and reads each of them', async () => {
    const gone = host.stripe.all('customer').slice(0, 150);
    for (const { id } of gone) host.stripe.delete('customer', id, { delivery: 'lost' });
    expect(await reconcile()).toMatchObject({ state: 'halted', findings: NONE });
    expect(alarms).toEqual(['delete-cap']);
    const report = await reconcile({ believeDeletions: true });
    expect(report).toMatchObject({
      state: 'completed',
      findings: { customer: { gone: 150, repaired: 150 } },
    });
  });
});
