import { mirror, SyncModule, type Mirror } from 'nestjs-hybrid-sync';
import { salesforceObject } from 'nestjs-hybrid-sync/salesforce';
import type { FakeSalesforce, FieldDefinition } from 'nestjs-hybrid-sync/testing';
import { startHost, until, type Host, type HostOptions } from '../support/host.js';
import { found, NONE, passTime, reconcile } from '../support/reconciling.js';
import { sourceAt, startOrg } from '../support/salesforce.js';
import { quick, settled } from '../support/scenario.js';
import { idleInTransaction } from '../support/sessions.js';

interface Invoice {
  id: string;
  total: number;
  status: string;
}

const INVOICES = salesforceObject('crm', 'Invoice__c', { externalId: 'Stripe_Id__c' });

const invoices = (changes: object = {}): Mirror =>
  mirror('stripe', 'invoice', {
    to: INVOICES,
    map: ({ total, status }: Invoice) => ({ Total__c: total / 100, Status__c: status }),
    ...changes,
  });

/** A query for rows. */
const READ = ({ query }: { readonly query: Readonly<Record<string, string>> }) =>
  / FROM Invoice__c /.test(query.q ?? '');

describe('nothing stays lost: rows at a target', () => {
  let org: FakeSalesforce;
  let host: Host;
  beforeEach(async () => (org = await startOrg()));
  afterEach(async () => {
    await host?.close();
    await org.close();
  });

  async function start(mirrors: Mirror[], options: Partial<HostOptions> = {}): Promise<void> {
    // Hardly polled: what is written there is what these tests are about.
    const sources = { crm: sourceAt(org, { poll: { everyMs: 86_400_000 } }) };
    host = await startHost({
      ...quick,
      // Time passes in large steps, and no lease is to run out by that.
      sync: { ...quick.sync, leaseMs: 86_400_000 },
      mirrors,
      imports: [SyncModule.forFeature({ sources })],
      ...options,
    });
  }

  const put = (id: string, fields: object = {}) =>
    host.stripe.put({ object: 'invoice', id, total: 1_200, status: 'open', ...fields });

  /** Known, and since long. */
  async function handled(source = 'stripe'): Promise<void> {
    await (await host.sync.backfill({ source })).done();
    await settled(host);
    passTime(host, 600_000);
  }

  const rowOf = (id: string) => org.all('Invoice__c').find((row) => row.Stripe_Id__c === id);
  const reads = () => org.requests.all(READ).length;
  const writes = () =>
    org.requests.count(({ method, path }) => method !== 'GET' && path.includes('/sobjects'));

  it('are found where someone has deleted or altered them, and those alone are written again', async () => {
    await start([invoices()]);
    for (let i = 0; i < 5; i += 1) put(`in_${i}`);
    await handled();
    org.delete(rowOf('in_1')!.Id);
    org.update(rowOf('in_2')!.Id, { Total__c: 99 });
    org.update(rowOf('in_3')!.Id, { Status__c: null });
    // Nobody has mapped it.
    org.update(rowOf('in_4')!.Id, { Name: 'mine' });

    const before = writes();
    const dry = await reconcile(host, { dryRun: true });
    const expected = ['in_1', 'in_2', 'in_3'].map((id) => `local ${id}: changed-locally`);
    expect(await found(host, dry)).toEqual(expected);
    expect(writes()).toBe(before);
    expect(rowOf('in_1')).toBeUndefined();

    const report = await reconcile(host);
    expect(await found(host, report)).toEqual(expected);
    expect(report).toMatchObject({
      state: 'completed',
      findings: { invoice: { local: 3, repaired: 3 } },
    });
    for (const id of ['in_1', 'in_2', 'in_3'])
      expect(rowOf(id)).toMatchObject({ Total__c: 12, Status__c: 'open' });
    expect(rowOf('in_4')).toMatchObject({ Name: 'mine' });

    const after = writes();
    expect(await reconcile(host)).toMatchObject({ state: 'completed', findings: NONE });
    expect(writes()).toBe(after);
  });

  it('are found where map says that there is to be none', async () => {
    await start([invoices({ map: ({ status }: Invoice) => (status === 'draft' ? null : {}) })]);
    put('in_0');
    put('in_1', { status: 'draft' });
    await handled();
    expect(rowOf('in_1')).toBeUndefined();
    org.create('Invoice__c', { Stripe_Id__c: 'in_1' });
    expect(await found(host, await reconcile(host))).toEqual(['local in_1: changed-locally']);
    expect(rowOf('in_1')).toBeUndefined();
    expect(rowOf('in_0')).toBeDefined();
    expect(await reconcile(host)).toMatchObject({ findings: NONE });
  });

  describe('that an org keeps otherwise than they were given', () => {
    /** What is written, and what a person may put in its place. */
    const FIELDS: Record<string, [definition: FieldDefinition, written: unknown, altered: unknown]> = {
      Total__c: [{ type: 'currency' }, 12.345_6, 12.36],
      Count__c: [{ type: 'double', scale: 0 }, 3, 4],
      Day__c: [{ type: 'date' }, new Date('2026-01-31T10:00:00Z'), '2026-02-01'],
      At__c: [{ type: 'datetime' }, '2026-01-01T01:00:00+01:00', '2026-01-01T00:00:01Z'],
      Until__c: [{ type: 'datetime' }, new Date('2026-01-01T00:00:00.789Z'), null],
      Note__c: [{ type: 'textarea' }, ' two\r\nlines ', 'two'],
      Empty__c: [{ type: 'string' }, '', 'something'],
      Nothing__c: [{ type: 'currency' }, null, 0],
      Done__c: [{ type: 'boolean' }, null, true],
      Tags__c: [{ type: 'multipicklist' }, 'b;a', 'a'],
      STATUS__c: [{ type: 'picklist' }, 'open', 'closed'],
    };

    beforeEach(async () => {
      org.defineObject('Account', { fields: { Stripe_Id__c: { type: 'string', externalId: true } } });
      org.defineObject('Invoice__c', {
        fields: {
          ...Object.fromEntries(Object.entries(FIELDS).map(([name, [definition]]) => [name, definition])),
          Rich__c: { type: 'textarea', html: true },
          Score__c: { type: 'double' },
        },
      });
      org.create('Account', { Name: 'Ada', Stripe_Id__c: 'cus_1' });
      const written = Object.fromEntries(Object.entries(FIELDS).map(([name, [, value]]) => [name, value]));
      const map = () => ({
        ...written,
        // The case of names and of external ids is all one to an org.
        status__C: undefined,
        ACCOUNT__r: { stripe_id__c: 'CUS_1' },
        Rich__c: "<p>it's</p>",
        Score__c: 1,
        Stripe_Id__c: 'whatever',
      });
      const to = salesforceObject('crm', 'Invoice__c', {
        externalId: 'Stripe_Id__c',
        notCompared: ['Score__c'],
      });
      await start([mirror('stripe', 'invoice', { to, map })]);
    });

    it('are no difference', async () => {
      put('in_1');
      await handled();
      org.update(rowOf('in_1')!.Id, { Score__c: 7 });
      const read = reads();
      expect(await reconcile(host)).toMatchObject({ state: 'completed', findings: NONE });
      expect(reads()).toBe(read + 1);
    });

    it('are a difference in each field that someone alters', async () => {
      for (const name of [...Object.keys(FIELDS), 'Account__c']) put(`in_${name}`);
      await handled();
      const other = org.create('Account', { Name: 'Bob', Stripe_Id__c: 'cus_2' }).Id;
      for (const [name, [, , altered]] of Object.entries(FIELDS))
        org.update(rowOf(`in_${name}`)!.Id, { [name]: altered });
      org.update(rowOf('in_Account__c')!.Id, { Account__c: other });
      const ids = (await found(host, await reconcile(host))).map((line) => line.split(/[ :]/)[1]);
      const all = [...Object.keys(FIELDS), 'Account__c'].map((name) => `in_${name}`);
      expect(new Set(ids)).toEqual(new Set(all));
      expect(await reconcile(host)).toMatchObject({ findings: NONE });
    });
  });

  it('are read up to 200 by one call', async () => {
    await start([
      mirror('crm', 'Account', { to: INVOICES, map: ({ Name }: { Name: string }) => ({ Status__c: Name }) }),
    ]);
    for (let i = 0; i < 201; i += 1) org.create('Account', { Name: `a${i}` });
    await handled('crm');
    expect(org.all('Invoice__c')).toHaveLength(201);
    org.delete(org.all('Invoice__c')[200]!.Id);
    const before = reads();
    const report = await reconcile(host, { source: 'crm', dryRun: true });
    expect(report.findings).toMatchObject({ Account: { local: 1 } });
    expect(reads()).toBe(before + 2);
  });

  it('are read by several calls where one would be too long', async () => {
    const key = ({ id }: { id: string }) => id.padEnd(120, '-');
    await start([invoices({ key })]);
    for (let i = 0; i < 100; i += 1) put(`in_${i}`);
    await handled();
    const before = org.requests.count();
    expect(await reconcile(host)).toMatchObject({ state: 'completed', findings: NONE });
    const lengths = org.requests
      .all(READ)
      .slice(-2)
      .map(({ query }) => encodeURIComponent(query.q!).length);
    expect(org.requests.count()).toBe(before + 2);
    expect(Math.max(...lengths)).toBeLessThan(16_000);
  });

  it('that were refused are told of, and not written again before someone says so', async () => {
    await start([invoices()]);
    put('in_0');
    put('in_1', { status: 's'.repeat(300) });
    await handled();
    expect(rowOf('in_1')).toBeUndefined();
    const before = writes();
    for (let run = 0; run < 2; run += 1) {
      const report = await reconcile(host);
      expect(report).toMatchObject({
        state: 'completed',
        findings: { invoice: { local: 1, repaired: 0 } },
      });
      expect(await found(host, report)).toEqual(['local in_1: delivered-but-dead']);
    }
    expect(writes()).toBe(before);

    org.defineObject('Invoice__c', { fields: { Status__c: { type: 'textarea', length: 1_000 } } });
    await host.sync.replay({ state: 'dead' });
    await settled(host);
    expect(rowOf('in_1')).toBeDefined();
    expect(await reconcile(host)).toMatchObject({ findings: NONE });
  });

  it('are read without a transaction', async () => {
    await start([invoices()]);
    put('in_1');
    await handled();
    const held = org.hold(READ);
    const run = await host.sync.reconcile({ source: 'stripe' });
    await held.reached;
    await until(async () => (await idleInTransaction(host)).length === 0);
    held.release();
    expect(await run.done()).toMatchObject({ state: 'completed' });
  });

  it('that change while they are compared are no difference', async () => {
    await start([invoices()]);
    put('in_1');
    put('in_2');
    await handled();
    org.update(rowOf('in_2')!.Id, { Total__c: 99 });
    // The run has read what stands there, and has still to tell of it.
    const held = org.hold(READ);
    const run = await host.sync.reconcile({ source: 'stripe' });
    await held.reached;
    put('in_2', { total: 1_300 });
    await (await host.sync.backfill({ source: 'stripe' })).done();
    expect(rowOf('in_2')).toMatchObject({ Total__c: 13 });
    put('in_2');
    await (await host.sync.backfill({ source: 'stripe' })).done();
    held.release();
    expect(await found(host, await run.done())).toEqual([]);
  });

  it('are compared later where the org is away', async () => {
    await start([invoices()]);
    put('in_1');
    await handled();
    org.delete(rowOf('in_1')!.Id);
    org.faults.outage = true;
    const run = await host.sync.reconcile({ source: 'stripe' });
    await until(async () => /could not be read/.test((await run.report()).resources.invoice?.error ?? ''));
    expect(await run.report()).toMatchObject({ state: 'running' });
    org.faults.clear();
    await until(async () => {
      passTime(host, 5_000);
      return (await run.report()).finishedAt !== null;
    });
    expect(await found(host, await run.report())).toEqual(['local in_1: changed-locally']);
    expect(rowOf('in_1')).toBeDefined();
  });

  it('are given up on where the calls of the day are used up, which is told, and the rest is compared', async () => {
    await start([invoices(), mirror('stripe', 'customer', { to: other(), map: () => ({}) })]);
    put('in_1');
    host.stripe.create('customer', { id: 'cus_1' });
    await handled();
    org.setApiUsage({ limit: org.apiUsage.used });
    const report = await reconcile(host, {}, 30_000);
    expect(report).toMatchObject({
      state: 'failed',
      resources: { invoice: { state: 'failed' }, customer: { state: 'completed' } },
    });
    expect(report.notDone.join()).toMatch(
      /the rows of mirror:stripe\.invoice>crm\.Invoice__c could not be read.*REQUEST_LIMIT_EXCEEDED/,
    );
    const refused = org.requests.count({ status: 403 });
    expect(refused).toBeGreaterThan(1);
    expect(refused).toBeLessThanOrEqual(8);

    org.setApiUsage({ limit: 100_000 });
    passTime(host, 60_000);
    expect(await reconcile(host)).toMatchObject({ state: 'completed', findings: NONE });
  });

  /** One that nobody can read. */
  const other = () => ({
    name: 'elsewhere',
    write: (rows: readonly unknown[]) => Promise.resolve(rows.map(() => null)),
  });
});
