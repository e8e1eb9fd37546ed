import { Injectable } from '@nestjs/common';
import { OnSyncAlarm, OnSyncChange, SyncAlarm, SyncContext } from 'nestjs-hybrid-sync';
import { startHost, until, type Host, type HostOptions } from '../support/host.js';
import { effects, firstWalk, quick, settled, travel, write } from '../support/scenario.js';

const DAY_MS = 86_400_000;

let alarms: SyncAlarm[] = [];

@Injectable()
class Crm {
  @OnSyncChange('stripe', 'customer')
  async copy(_: unknown, { record, manager }: SyncContext) {
    await write(manager, 'customer', record.id);
  }

  @OnSyncAlarm()
  note(alarm: SyncAlarm) {
    alarms.push(alarm);
  }
}

describe('nothing stays lost, by itself', () => {
  let host: Host;
  beforeEach(() => {
    alarms = [];
  });
  afterEach(() => host.close());

  async function start(source: HostOptions['source']): Promise<void> {
    host = await startHost({ ...quick, providers: [Crm], source: { ...quick.source, ...source } });
  }

  const runs = () => host.sql(`SELECT id, kind, state FROM sync_run ORDER BY id`);
  const completed = { kind: 'reconcile', state: 'completed' };

  it('reconciles at its time: one process of all, and what nobody was there for is made up for once', async () => {
    const reconcile = { cron: '0 3 * * *' };
    await start({ reconcile });
    host.stripe.create('customer', { id: 'cus_1' }, { delivery: 'unlogged' });
    const other = await startHost({
      ...quick,
      providers: [Crm],
      source: { ...quick.source, reconcile },
      beside: host,
    });
    try {
      expect(await runs()).toEqual([]);
      for (const each of [host, other]) travel(each, DAY_MS);
      await until(async () => (await runs()).some(({ state }) => state === 'completed'));
      expect(await effects(host)).toEqual(['customer cus_1']);
      for (const each of [host, other]) travel(each, 5 * DAY_MS);
      await until(async () => (await runs()).filter(({ state }) => state === 'completed').length === 2);
      await host.sync.idle();
      expect(await runs()).toMatchObject([completed, completed]);
    } finally {
      await other.close();
    }
  });

  it('reconciles at its time though someone only looks: a dry run keeps from nothing', async () => {
    await start({ reconcile: { cron: '0 3 * * *' } });
    host.stripe.create('customer', { id: 'cus_1' }, { delivery: 'unlogged' });
    const page = host.stripe.hold({ path: '/v1/customers' });
    const dry = await host.sync.reconcile({ source: 'stripe', dryRun: true });
    await page.reached;
    await dry.pause();
    page.release();
    travel(host, DAY_MS);
    await until(async () => (await runs()).some(({ state }) => state === 'completed'));
    expect(await effects(host)).toEqual(['customer cus_1']);
    expect(await runs()).toMatchObject([{ state: 'paused' }, completed]);
  });

  it('reconciles when the log does not reach back to where it was read last', async () => {
    await start({ mode: 'hybrid' });
    await firstWalk(host);
    host.stripe.create('customer', { id: 'cus_1' }, { delivery: 'lost' });
    host.stripe.clock.offsetMs += 40 * DAY_MS;
    travel(host, 40 * DAY_MS);
    await until(async () => (await effects(host)).length === 1);
    await settled(host);
    expect(alarms.map(({ kind }) => kind)).toEqual(['cursor-expired']);
    expect(alarms[0]!.message).toMatch(/everything is compared with what the provider has/);
    await until(async () => (await runs()).some(({ state }) => state === 'completed'));
    const [{ id }] = (await runs()) as [{ id: unknown }];
    expect(await host.sync.run(String(id)).findings()).toMatchObject([
      { kind: 'missing', recordId: 'cus_1' },
    ]);
  });

  it('tells how it is', async () => {
    await start({ mode: 'hybrid' });
    await firstWalk(host);
    host.stripe.create('customer', { id: 'cus_1' });
    await host.stripe.flush();
    await settled(host);
    await (await host.sync.backfill({ source: 'stripe' })).done();
    const [status] = await host.sync.status();
    expect(status).toMatchObject({
      source: 'stripe',
      connectionId: 'default',
      health: 'healthy',
      error: null,
      polledAt: expect.any(Date) as Date,
      nextPollAt: expect.any(Date) as Date,
      paused: false,
      waiting: { count: 0, since: null, reasons: {} },
      dead: 0,
      newest: { customer: expect.any(Date) as Date },
      runs: [{ kind: 'backfill', state: 'completed' }],
    });
    await until(async () => (await host.sync.status())[0]!.deliveredAt !== null);

    await host.sync.pause({ source: 'stripe' });
    host.stripe.create('customer', { id: 'cus_2' });
    await host.stripe.flush();
    const [paused] = await host.sync.status();
    expect(paused).toMatchObject({ paused: true, waiting: { count: 1, reasons: { due: 1 } } });
    expect(paused!.waiting.since).toBeInstanceOf(Date);
  });
});
