import { Injectable } from '@nestjs/common';
import { OnSyncAlarm, SyncAlarm, SyncChange, SyncContext } from 'nestjs-hybrid-sync';
import { OnSalesforceChange } from 'nestjs-hybrid-sync/salesforce';
import type { FakeSalesforce } from 'nestjs-hybrid-sync/testing';
import { until, type Host } from '../support/host.js';
import { pollNow, startCrmHost, startOrg } from '../support/salesforce.js';
import { effects, settled, travel, write } from '../support/scenario.js';

let alarms: string[] = [];

@Injectable()
class Crm {
  @OnSalesforceChange<{ Name: string }>('Account')
  async save({ kind, data, record }: SyncChange<{ Name: string }>, { manager }: SyncContext) {
    await write(manager, kind, `${record.id} ${data?.Name ?? ''}`.trim());
  }

  @OnSyncAlarm()
  note({ kind }: SyncAlarm) {
    alarms.push(kind);
  }
}

describe('Salesforce as a source', () => {
  let org: FakeSalesforce;
  let host: Host | undefined;
  beforeEach(async () => {
    alarms = [];
    org = await startOrg();
  });
  afterEach(async () => {
    await host?.close();
    host = undefined;
    await org.close();
  });

  const start = async (options: Parameters<typeof startCrmHost>[1] = {}) =>
    (host = await startCrmHost(org, { providers: [Crm], ...options }));
  const polled = async () => {
    const result = await pollNow(host!);
    await settled(host!);
    return result;
  };
  const queries = (q: RegExp) => org.requests.all(({ query }) => q.test(query.q ?? ''));

  it('gives handlers the newest state of each record, once', async () => {
    await start();
    const { Id } = org.create('Account', { Name: 'Ada' });
    expect(Id).toHaveLength(18);
    await polled();
    expect(await effects(host!)).toEqual([`created ${Id} Ada`]);
    org.clock.offsetMs += 2_000;
    org.update(Id, { Name: 'Ada Lovelace' });
    org.update(Id, { Phone: '1815' });
    await polled();
    await polled();
    org.clock.offsetMs += 2_000;
    org.delete(Id);
    await polled();
    org.clock.offsetMs += 2_000;
    org.undelete(Id);
    await polled();
    expect(await effects(host!)).toEqual([
      `created ${Id} Ada`,
      `updated ${Id} Ada Lovelace`,
      `deleted ${Id}`,
      `created ${Id} Ada Lovelace`,
    ]);
  });

  it('is polled by itself', async () => {
    await start({ crm: { poll: { everyMs: 50 } } });
    const { Id } = org.create('Account', { Name: 'Ada' });
    await until(async () => (await effects(host!)).includes(`created ${Id} Ada`));
  });

  it('calls nobody where nothing but stamps has changed', async () => {
    await start();
    const { Id } = org.create('Account', { Name: 'Ada' });
    await polled();
    org.clock.offsetMs += 2_000;
    org.update(Id, { Name: 'Ada' });
    expect(await polled()).toMatchObject({ found: 1 });
    expect(await effects(host!)).toHaveLength(1);
  });

  it('reads many records by one call', async () => {
    for (let i = 0; i < 450; i++) org.create('Account', { Name: `A${i}` });
    await start({ sync: { maxPasses: 200 } });
    org.faults.slowMs = 50;
    await polled();
    expect(await effects(host!)).toHaveLength(450);
    const fetches = queries(/WHERE Id IN/).length;
    expect(fetches).toBeGreaterThanOrEqual(3);
    expect(fetches).toBeLessThanOrEqual(20);
  });

  it('reads only the fields that are asked for, and those of parents', async () => {
    await start({ crm: { objects: { Account: { fields: ['Name', 'Parent.Name'] } } } });
    const parent = org.create('Account', { Name: 'Parent', Phone: '1' });
    const child = org.create('Account', { Name: 'Child', ParentId: parent.Id });
    await polled();
    expect(queries(/WHERE Id IN/)[0]!.query.q).toMatch(
      /^SELECT Id, IsDeleted, SystemModstamp, Name, Parent.Name FROM Account/,
    );
    expect(new Set(await effects(host!))).toEqual(
      new Set([`created ${parent.Id} Parent`, `created ${child.Id} Child`]),
    );
  });

  it('is listed for backfill, and compared with what is known', async () => {
    // Before the source begins, and before what polling looks back to.
    org.clock.offsetMs = -3_600_000;
    const ids = Array.from({ length: 450 }, (_, i) => org.create('Account', { Name: `A${i}` }).Id);
    await start({ crm: { start: 'now' } });
    const run = await host!.sync.backfill({ source: 'crm', resources: ['Account'] });
    await until(async () => (await run.report()).state === 'completed');
    await settled(host!);
    expect(await effects(host!)).toHaveLength(450);
    expect(queries(/WHERE Id IN/)).toEqual([]);

    org.clock.offsetMs = -1_800_000;
    org.update(ids[0]!, { Name: 'changed' });
    org.delete(ids[1]!);
    org.emptyRecycleBin('Account');
    const created = org.create('Account', { Name: 'new' });
    const comparison = await host!.sync.reconcile({ source: 'crm', resources: ['Account'], dryRun: true });
    await until(async () => (await comparison.report()).state === 'completed');
    const found = (await comparison.findings()).map(({ recordId, kind }) => `${kind} ${recordId}`);
    expect(new Set(found)).toEqual(new Set([`stale ${ids[0]}`, `gone ${ids[1]}`, `missing ${created.Id}`]));
  });

  it('logs in again when the session is over, and once for all that wait', async () => {
    for (let i = 0; i < 30; i++) org.create('Account', { Name: `A${i}` });
    await start();
    await polled();
    org.expireSessions();
    org.clock.offsetMs += 2_000;
    for (const { Id } of org.all('Account')) org.update(Id, { Phone: '1' });
    await polled();
    expect(await effects(host!)).toHaveLength(60);
    expect(org.requests.count({ path: '/services/oauth2/token' })).toBe(2);
  });

  it('stops logging in where that never helps', async () => {
    await start({ crm: { poll: { everyMs: 20 } } });
    org.faults.unauthorized = true;
    const before = org.requests.count({ path: '/services/oauth2/token' });
    await until(async () => {
      const [status] = await host!.sync.status();
      return status!.health === 'down';
    });
    expect(alarms).toContain('down');
    expect(org.requests.count({ path: '/services/oauth2/token' }) - before).toBeLessThanOrEqual(6);
  });

  it('waits where the calls of the day are used up, at the cost of no attempt', async () => {
    await start();
    const { Id } = org.create('Account', { Name: 'Ada' });
    const { used } = org.apiUsage;
    org.setApiUsage({ limit: used + 3 });
    await pollNow(host!);
    await until(
      async () => (await host!.sql(`SELECT 1 FROM sync_event WHERE wait_reason = 'rate-limited'`)).length > 0,
    );
    expect(await host!.sql('SELECT fetch_failures FROM sync_record')).toEqual([{ fetch_failures: 0 }]);
    org.setApiUsage({ limit: 100_000 });
    expect(org.get(Id)).not.toBeNull();
  });

  it('lets nothing be lost while it is away', async () => {
    await start();
    org.faults.outage = true;
    const { Id } = org.create('Account', { Name: 'Ada' });
    expect((await pollNow(host!)).error).toMatch(/SERVER_UNAVAILABLE/);
    org.faults.outage = false;
    // It may be left alone for a while.
    await until(async () => {
      travel(host!, 10_000);
      await polled();
      return (await effects(host!)).length > 0;
    });
    expect(await effects(host!)).toEqual([`created ${Id} Ada`]);
  });
});
