import { Inject, Injectable } from '@nestjs/common';
import {
  mirror,
  OnSyncAlarm,
  OnSyncEvent,
  SyncAlarm,
  SyncContext,
  SyncModule,
  SyncTargets,
  UnrecoverableError,
  type Mirror,
} from 'nestjs-hybrid-sync';
import { salesforceObject } from 'nestjs-hybrid-sync/salesforce';
import type { FakeSalesforce } from 'nestjs-hybrid-sync/testing';
import { startHost, until, type Host, type HostOptions } from '../support/host.js';
import { sourceAt, startOrg } from '../support/salesforce.js';
import { quick, send, settled } from '../support/scenario.js';

const INVOICES = salesforceObject('crm', 'Invoice__c', { externalId: 'Stripe_Id__c' });

interface Invoice {
  id: string;
  total: number;
  status: string;
}

const toInvoice = { map: ({ total, status }: Invoice) => ({ Total__c: total / 100, Status__c: status }) };
const invoices = mirror('stripe', 'invoice', { to: INVOICES, ...toInvoice });

let alarms: string[] = [];

@Injectable()
class Watch {
  @OnSyncAlarm()
  note({ message }: SyncAlarm) {
    alarms.push(message);
  }
}

describe('Salesforce as a target', () => {
  let org: FakeSalesforce;
  let host: Host;
  beforeEach(async () => {
    alarms = [];
    org = await startOrg();
  });
  afterEach(async () => {
    await host?.close();
    await org.close();
  });

  async function start(mirrors: Mirror[] = [invoices], options: Partial<HostOptions> = {}): Promise<void> {
    // Hardly polled: what is written is what these tests are about.
    const sources = { crm: sourceAt(org, { poll: { everyMs: 3_600_000 } }) };
    host = await startHost({
      ...quick,
      mirrors,
      providers: [Watch],
      imports: [SyncModule.forFeature({ sources })],
      ...options,
    });
  }

  const invoice = (id: string, fields: object = {}) =>
    host.stripe.put({ object: 'invoice', id, total: 1_200, status: 'open', ...fields });
  const deliver = (id: string) => send(host, { object: 'invoice', id });
  const rows = () =>
    Object.fromEntries(
      org.all('Invoice__c').map((row) => [row.Stripe_Id__c as string, row.Total__c as number]),
    );
  const writes = () => org.requests.all(({ method, path }) => method !== 'GET' && path.includes('/sobjects'));

  it('has a row for each record, and the newest of it', async () => {
    await start();
    invoice('in_1');
    await deliver('in_1');
    await settled(host);
    expect(org.all('Invoice__c')).toMatchObject([{ Stripe_Id__c: 'in_1', Total__c: 12, Status__c: 'open' }]);
    invoice('in_1', { status: 'paid' });
    await deliver('in_1');
    await settled(host);
    expect(org.all('Invoice__c')).toMatchObject([{ Stripe_Id__c: 'in_1', Total__c: 12, Status__c: 'paid' }]);
    expect(writes()[0]).toMatchObject({ method: 'PATCH', path: /Invoice__c\/Stripe_Id__c/ });
  });

  it.each(['a/b c', "O'Hara", 'ü–日本 %2F', 'in\\1', '"quoted"'])('knows %s by its id', async (id) => {
    await start();
    const record = { object: 'invoice', id };
    const { sync } = host;
    const targets = host.app.get(SyncTargets, { strict: false });
    await targets.save(INVOICES, id, { Total__c: 1 });
    await targets.save(INVOICES, id, { Total__c: 2 });
    expect(rows()).toEqual({ [record.id]: 2 });
    await targets.delete(INVOICES, id);
    await targets.delete(INVOICES, id);
    expect(rows()).toEqual({});
    await sync.idle();
  });

  it('writes rows of one id one after the other, the last that was asked for last', async () => {
    await start();
    const targets = host.app.get(SyncTargets, { strict: false });
    await targets.save(INVOICES, 'in_1', { Total__c: 1 });
    await Promise.all([targets.delete(INVOICES, 'in_1'), targets.save(INVOICES, 'in_1', { Total__c: 2 })]);
    expect(rows()).toEqual({ in_1: 2 });
    await Promise.all([targets.save(INVOICES, 'in_1', { Total__c: 3 }), targets.delete(INVOICES, 'in_1')]);
    expect(rows()).toEqual({});
    await Promise.all([1, 2, 3, 4, 5].map((Total__c) => targets.save(INVOICES, 'in_2', { Total__c })));
    expect(rows()).toEqual({ in_2: 5 });
    await host.sync.idle();
  });

  it('refuses a row that cannot be told to an org, and no other in the same call', async () => {
    await start();
    const targets = host.app.get(SyncTargets, { strict: false });
    const wrong: [string, object][] = [
      ['in_1', { Total__c: 1n }],
      ['in_2', { Total__c: NaN }],
      ['in_3', { Due__c: new Date(NaN) }],
      [' in_4', { Total__c: 1 }],
      ['', { Total__c: 1 }],
    ];
    const written = await Promise.allSettled([
      ...wrong.map(([id, row]) => targets.save(INVOICES, id, row)),
      targets.save(INVOICES, 'in_9', { Total__c: 9 }),
    ]);
    expect(written.slice(0, -1)).toEqual(
      wrong.map(() => expect.objectContaining({ reason: expect.any(UnrecoverableError) })),
    );
    expect(rows()).toEqual({ in_9: 9 });
    await host.sync.idle();
  });

  it.each<[string, unknown, RegExp]>([
    [
      'another source',
      salesforceObject('none', 'Invoice__c', { externalId: 'Stripe_Id__c' }),
      /source 'none'/,
    ],
    [
      'another connection',
      salesforceObject('crm', 'Invoice__c', { externalId: 'Stripe_Id__c', connectionId: 'eu' }),
      /no connection 'eu'/,
    ],
    ['no target', undefined, /must be a target with a name/],
    ['no rows', { name: 'x', mostRows: 0, write: () => Promise.resolve([]) }, /from 1 for `mostRows`/],
    [
      'a misspelt option',
      salesforceObject('crm', 'Invoice__c', { externalID: 'x' } as never),
      /'externalId'/,
    ],
  ])('is told at once when it is given %s', async (_, target, message) => {
    await start();
    const targets = host.app.get(SyncTargets, { strict: false });
    const refused = targets.save(target as typeof INVOICES, 'in_1', { Total__c: 1 });
    await expect(refused).rejects.toThrow(UnrecoverableError);
    await expect(refused).rejects.toThrow(message);
  });

  it('takes hundreds of rows by few calls, with a pool of ten', async () => {
    await start([invoices], { poolSize: 10 });
    const ids = Array.from({ length: 400 }, (_, i) => `in_${i}`);
    ids.forEach((id) => invoice(id));
    org.faults.slowMs = 100;
    await host.sync.pause({ source: 'stripe' });
    for (let i = 0; i < ids.length; i += 50) await Promise.all(ids.slice(i, i + 50).map(deliver));
    await host.sync.resume({ source: 'stripe' });
    await settled(host);
    expect(Object.keys(rows())).toHaveLength(400);
    // Five or so where nobody else needs the machine: how many join depends on how fast passes come.
    expect(writes().length).toBeLessThanOrEqual(80);
  });

  it('takes each row by itself: one that is locked comes later, one that is refused is dead', async () => {
    // A lock costs no attempt.
    await start([invoices], { source: { ...quick.source, maxAttempts: 1 } });
    const locked = org.create('Invoice__c', { Stripe_Id__c: 'in_1', Total__c: 0 });
    org.lock(locked.Id, 1);
    invoice('in_0');
    invoice('in_1');
    invoice('in_2', { status: 's'.repeat(300) });
    await Promise.all(['in_0', 'in_1', 'in_2'].map(deliver));
    await settled(host);
    expect(rows()).toEqual({ in_0: 12, in_1: 12 });
    expect(await host.sql(`SELECT record_id, state FROM sync_event WHERE state = 'dead'`)).toEqual([
      { record_id: 'in_2', state: 'dead' },
    ]);
    expect(alarms.join()).toMatch(/in_2.*STRING_TOO_LONG Status__c \(upsert Invoice__c\)/);
    expect(alarms.join()).not.toContain('sss');
  });

  it('waits for a parent that is not there yet', async () => {
    org.defineObject('Account', {
      fields: { Stripe_Id__c: { type: 'string', externalId: true, caseSensitive: true } },
    });
    const withParent = mirror('stripe', 'invoice', {
      to: INVOICES,
      map: ({ customer }: { customer: string }) => ({ Account__r: { Stripe_Id__c: customer } }),
    });
    await start([withParent]);
    invoice('in_1', { customer: 'cus_1' });
    await deliver('in_1');
    await until(() => writes().length > 1);
    const { Id } = org.create('Account', { Name: 'Ada', Stripe_Id__c: 'cus_1' });
    await settled(host);
    expect(org.all('Invoice__c')).toMatchObject([{ Stripe_Id__c: 'in_1', Account__c: Id }]);
  });

  it.each<['delete' | 'keep' | { set: object }, object[]]>([
    ['delete', []],
    ['keep', [{ Stripe_Id__c: 'prod_1', Status__c: 'active' }]],
    [{ set: { Status__c: 'gone' } }, [{ Stripe_Id__c: 'prod_1', Status__c: 'gone' }]],
  ])('with onDelete: %j', async (onDelete, left) => {
    await start([
      mirror('stripe', 'product', { to: INVOICES, onDelete, map: () => ({ Status__c: 'active' }) }),
    ]);
    host.stripe.create('product', { id: 'prod_1' }, { delivery: 'unlogged' });
    await send(host, { object: 'product', id: 'prod_1' });
    await settled(host);
    expect(org.all('Invoice__c')).toMatchObject([{ Status__c: 'active' }]);
    host.stripe.delete('product', 'prod_1', { delivery: 'unlogged' });
    await send(host, { object: 'product', id: 'prod_1' }, { type: 'product.deleted' });
    await settled(host);
    expect(org.all('Invoice__c')).toMatchObject(left);
    expect(org.all('Invoice__c')).toHaveLength(left.length);
  });

  it('has each row in the end though answers are lost, and once', async () => {
    await start();
    org.faults.failNext({ match: { method: 'PATCH' }, disconnect: true, afterWork: true });
    org.faults.failNext({ match: { method: 'PATCH' }, status: 503, code: 'SERVER_UNAVAILABLE' });
    invoice('in_1');
    const id = await deliver('in_1');
    await until(async () => /attempts? 0|waits|again/.test(await host.sync.explain(id)));
    await until(() => rows().in_1 === 12);
    expect(org.all('Invoice__c')).toHaveLength(1);
  });

  it('waits where the calls of the day are used up, and loses nothing', async () => {
    await start();
    await host.app.get(SyncTargets, { strict: false }).save(INVOICES, 'in_0', { Total__c: 1 });
    org.setApiUsage({ limit: org.apiUsage.used });
    invoice('in_1');
    await deliver('in_1');
    await until(() => org.requests.count({ status: 403 }) > 0);
    await until(async () => {
      const [mark] = await host.sql<{ attempts: number; state: string }>(
        'SELECT attempts, state FROM sync_mark',
      );
      return mark !== undefined && mark.attempts === 0 && mark.state !== 'done';
    });
    expect(rows()).toEqual({ in_0: 1 });
  });

  it('is open to handlers that choose what they write', async () => {
    @Injectable()
    class Dunning {
      constructor(@Inject(SyncTargets) private readonly targets: SyncTargets) {}

      @OnSyncEvent('stripe', 'invoice.payment_failed', { transaction: 'none' })
      async dun(_: unknown, { record }: SyncContext) {
        await this.targets.save(INVOICES, record.id, { Status__c: 'failed' });
      }
    }
    await start([], { providers: [Dunning] });
    invoice('in_1');
    await send(host, { object: 'invoice', id: 'in_1' }, { type: 'invoice.payment_failed' });
    await settled(host);
    expect(org.all('Invoice__c')).toMatchObject([{ Stripe_Id__c: 'in_1', Status__c: 'failed' }]);
  });
});
