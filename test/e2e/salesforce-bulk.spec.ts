import { Injectable } from '@nestjs/common';
import { SyncChange, SyncContext, type RunReport, type SyncRun } from 'nestjs-hybrid-sync';
import { OnSalesforceChange } from 'nestjs-hybrid-sync/salesforce';
import type { FakeSalesforce } from 'nestjs-hybrid-sync/testing';
import { createDatabase } from '../support/database.js';
import { until, type Host } from '../support/host.js';
import { pollNow, startCrmHost, startOrg } from '../support/salesforce.js';
import { effects, settled, travel, write } from '../support/scenario.js';

@Injectable()
class Crm {
  @OnSalesforceChange<{ Name: string }>('Account')
  async save({ kind, data, record }: SyncChange<{ Name: string }>, { manager }: SyncContext) {
    await write(manager, kind, `${record.id} ${data?.Name ?? ''}`.trim());
  }
}

/** What a listing of whole records reads by one query, before it may come to a job. */
const FIRST_PAGE = 200;

const CREATE = { method: 'POST', path: /\/jobs\/query$/ };
const LOOK = { method: 'GET', path: /\/jobs\/query\/\w+$/ };
const RESULTS = { method: 'GET', path: /\/jobs\/query\/\w+\/results$/ };

const PUT_OFF = `SELECT FROM sync_run WHERE lease_token IS NULL AND due_at > now() + interval '500 milliseconds'`;

describe('a long listing of a Salesforce object', () => {
  let org: FakeSalesforce;
  let host: Host | undefined;
  beforeEach(async () => {
    org = await startOrg();
    // Before the source begins, and before what polling looks back to.
    org.clock.offsetMs = -3_600_000;
  });
  afterEach(async () => {
    await host?.close();
    host = undefined;
    await org.close();
  });

  const start = async ({ crm, ...options }: Parameters<typeof startCrmHost>[1] = {}) =>
    (host = await startCrmHost(org, {
      providers: [Crm],
      // Longer than what the tests have pass by.
      sync: { leaseMs: 3_600_000 },
      ...options,
      crm: { start: 'now', bulkAbove: 220, poll: { everyMs: 86_400_000 }, ...crm },
    }));
  const create = (count: number) =>
    Array.from(
      { length: count },
      (_, i) => org.create('Account', { Name: `A${i}`, BillingCity: `C${i}` }).Id,
    );
  const backfill = () => host!.sync.backfill({ source: 'crm', resources: ['Account'] });
  /** Jobs are looked at seconds apart. */
  const whileTimePasses = async <T>(awaited: Promise<T>): Promise<T> => {
    let isThere = false;
    void awaited.then(() => (isThere = true));
    await until(() => {
      travel(host!, 50);
      return isThere;
    });
    return awaited;
  };
  const ended = async (run: SyncRun): Promise<RunReport> => {
    await whileTimePasses(run.done());
    await settled(host!);
    return run.report();
  };
  const expectEach = async (ids: readonly string[]) =>
    expect((await effects(host!)).sort()).toEqual(ids.map((id, i) => `created ${id} A${i}`).sort());

  it('is read by a query job, each record once, and nothing is new at the second time', async () => {
    const ids = create(600);
    await start({ crm: { bulkAbove: 500 } });
    org.faults.jobLooks = 2;
    expect(await ended(await backfill())).toMatchObject({
      state: 'completed',
      resources: { Account: { read: 600, changed: 600 } },
    });
    await expectEach(ids);
    expect(org.requests.count(LOOK)).toBe(3);
    expect(org.requests.count({ method: 'DELETE', path: LOOK.path })).toBe(1);
    // One for each part by age: what comes after the first page is read by the job alone.
    expect(org.requests.all(({ query }) => /FIELDS\(ALL\).* ORDER BY Id/.test(query.q ?? ''))).toHaveLength(
      4,
    );

    expect(await ended(await backfill())).toMatchObject({
      state: 'completed',
      resources: { Account: { read: 600, changed: 0 } },
    });
    expect(org.requests.count(CREATE)).toBe(2);
    expect(await effects(host!)).toHaveLength(600);
  });

  it('is read page by page where it is not that long', async () => {
    const ids = create(220);
    await start();
    await ended(await backfill());
    await expectEach(ids);
    expect(org.requests.count({ path: /\/jobs\// })).toBe(0);
  });

  it.each([
    ['goes on with its job', false, 1],
    ['begins another job where that is gone', true, 2],
  ])('that another process has begun %s', async (_, isGone, jobs) => {
    const ids = create(300);
    const database = await createDatabase({ tables: true });
    try {
      await start({ database });
      org.faults.jobLooks = Infinity;
      const { id } = await backfill();
      await until(() => org.requests.count(LOOK) > 0);
      // Nobody is at it while there is nothing to be read.
      await until(async () => (await host!.sql(PUT_OFF)).length > 0);
      await host!.close();
      if (isGone) org.deleteJobs();
      org.faults.jobLooks = 0;
      await start({ database });
      expect(await ended(host!.sync.run(id))).toMatchObject({ state: 'completed' });
      await expectEach(ids);
      expect(org.requests.count(CREATE)).toBe(jobs);
    } finally {
      await host!.close();
      host = undefined;
      await database.drop();
    }
  });

  it('begins again where the job is gone before its results are read', async () => {
    const ids = create(300);
    await start();
    const results = org.hold(RESULTS, 'arrival');
    const run = await backfill();
    await whileTimePasses(results.reached);
    org.deleteJobs();
    results.release();
    expect(await ended(run)).toMatchObject({ state: 'completed' });
    await expectEach(ids);
    expect(org.requests.count(CREATE)).toBe(2);
  });

  it('has failed where one job after the other fails, and the report says so', async () => {
    create(300);
    await start();
    org.faults.failedJobs = 3;
    const report = await ended(await backfill());
    expect(report).toMatchObject({
      state: 'failed',
      resources: { Account: { state: 'failed', read: FIRST_PAGE } },
    });
    expect(report.notDone).toEqual([
      'Account: failed, Salesforce: 3 query jobs of Account have ended without results: Failed, Failed, Failed',
    ]);
    expect(org.requests.count(CREATE)).toBe(3);
  });

  it('brings nothing back that has changed since the job was begun', async () => {
    const ids = create(300);
    const [changed, deleted] = ids.slice(-2) as [string, string];
    await start();
    // The results are asked for after what happens here, by a request that is newer.
    const complete = org.hold(LOOK, 'answer');
    const run = await backfill();
    await whileTimePasses(complete.reached);
    org.clock.offsetMs = -10_000;
    org.update(changed, { Name: 'newer' });
    org.delete(deleted);
    await pollNow(host!);
    await until(async () => (await effects(host!)).includes(`created ${changed} newer`));
    // So long ago that nothing but the order of their requests tells which of the two is newer.
    travel(host!, 600_000);
    complete.release();
    expect(await ended(run)).toMatchObject({ state: 'completed' });
    const told = (await effects(host!)).filter(
      (effect) => effect.includes(changed) || effect.includes(deleted),
    );
    expect(told).toEqual([`created ${changed} newer`]);
  });

  it('is compared with what is known', async () => {
    const ids = create(300);
    await start();
    await ended(await backfill());
    org.clock.offsetMs = -1_800_000;
    const [stale, gone] = ids.slice(-2) as [string, string];
    org.update(stale, { BillingCity: 'elsewhere' });
    org.delete(gone);
    org.emptyRecycleBin('Account');
    const created = org.create('Account', { Name: 'new' });
    const run = await host!.sync.reconcile({ source: 'crm', resources: ['Account'] });
    expect(await ended(run)).toMatchObject({ state: 'completed' });
    const found = (await run.findings()).map(({ recordId, kind }) => `${kind} ${recordId}`);
    expect(found.sort()).toEqual([`gone ${gone}`, `missing ${created.Id}`, `stale ${stale}`].sort());
    expect(org.requests.count(CREATE)).toBe(2);
    const told = (await effects(host!)).slice(300);
    expect(told.sort()).toEqual(
      [`created ${created.Id} new`, `deleted ${gone}`, `updated ${stale} A298`].sort(),
    );
  });
});
