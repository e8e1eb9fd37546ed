import { Injectable } from '@nestjs/common';
import { SyncChange, SyncContext } from 'nestjs-hybrid-sync';
import { OnSalesforceChange } from 'nestjs-hybrid-sync/salesforce';
import type { FakeSalesforce } from 'nestjs-hybrid-sync/testing';
import { until, type Host } from '../support/host.js';
import { pollNow, startCrmHost, startOrg } from '../support/salesforce.js';
import { effects, settled, travel, write } from '../support/scenario.js';

@Injectable()
class Crm {
  @OnSalesforceChange<{ Name: string }>('Account')
  async save({ kind, data }: SyncChange<{ Name: string }>, { manager }: SyncContext) {
    await write(manager, kind, data?.Name ?? null);
  }
}

describe("an org's calls of the day", () => {
  let org: FakeSalesforce;
  let host: Host;
  beforeEach(async () => {
    org = await startOrg();
    org.clock.offsetMs -= 3_600_000;
    org.create('Account', { Name: 'old' });
    org.clock.offsetMs += 3_600_000;
    host = await startCrmHost(org, {
      providers: [Crm],
      crm: { start: 'now', poll: { everyMs: 86_400_000 } },
    });
  });
  afterEach(async () => {
    await host.close();
    await org.close();
  });

  const listings = () => org.requests.count(({ query }) => / ORDER BY Id LIMIT/.test(query.q ?? ''));
  const status = async () => (await host.sync.status())[0]!;

  it('are left to what happens now when they run short, and backfills go on when there are more', async () => {
    org.setApiUsage({ used: 80_000, limit: 100_000 });
    await pollNow(host);
    expect(await status()).toMatchObject({ usage: { limit: 100_000, at: expect.any(Date) } });
    expect((await status()).usage!.used).toBeGreaterThan(80_000);

    const run = await host.sync.backfill({ source: 'crm', resources: ['Account'] });
    org.create('Account', { Name: 'new' });
    await pollNow(host);
    await settled(host);
    expect(await effects(host)).toEqual(['created new']);
    travel(host, 60_000);
    await pollNow(host);
    expect(listings()).toBe(0);
    expect(await run.report()).toMatchObject({ state: 'running' });

    org.setApiUsage({ used: 10 });
    await pollNow(host);
    await until(async () => {
      travel(host, 10_000);
      return (await run.report()).state === 'completed';
    });
    expect((await effects(host)).sort()).toEqual(['created new', 'created old']);
  });

  it('are asked for again by one page when nothing was said of them for long', async () => {
    org.setApiUsage({ used: 80_000, limit: 100_000 });
    await pollNow(host);
    const run = await host.sync.backfill({ source: 'crm', resources: ['Account'] });
    expect(listings()).toBe(0);
    await until(async () => {
      travel(host, 60_000);
      return (await run.report()).state === 'completed';
    });
  });
});
