import { Injectable } from '@nestjs/common';
import { OnSyncAlarm, OnSyncChange, OnSyncEvent, SyncAlarm, SyncEventEntity } from 'nestjs-hybrid-sync';
import { startHost, until, type Host } from '../support/host.js';
import { firstWalk, quick, settled, travel } from '../support/scenario.js';

const FIVE_MINUTES_MS = 300_000;
const FASTEST_MS = 30_000;

let alarms: string[] = [];

@Injectable()
class Crm {
  @OnSyncEvent('stripe', 'customer.*', { hydrate: false })
  book() {}

  @OnSyncChange('stripe', 'product')
  copy() {}

  @OnSyncAlarm()
  note({ kind, message }: SyncAlarm) {
    alarms.push(`${kind}: ${message}`);
  }
}

describe('polling that adapts itself', () => {
  let host: Host;
  let customers = 0;

  beforeEach(async () => {
    alarms = [];
    host = await startHost({ ...quick, providers: [Crm], source: { ...quick.source, mode: 'hybrid' } });
    await firstWalk(host);
  });
  afterEach(() => host.close());

  const state = async () => (await host.sql(`SELECT * FROM sync_cursor`))[0]!;

  /** As one change after the other, `inMs` apart; webhooks tell of them, or do not. */
  async function change({
    told,
    inMs = 0,
    times = 1,
  }: {
    told: boolean;
    inMs?: number;
    times?: number;
  }): Promise<void> {
    for (let i = 0; i < times; i += 1) {
      host.stripe.create('customer', { id: `cus_${(customers += 1)}` }, { delivery: told ? 'sent' : 'lost' });
      await host.stripe.flush();
      wait(inMs);
    }
    await settled(host);
  }

  function wait(ms: number): void {
    host.stripe.clock.offsetMs += ms;
    travel(host, ms);
  }

  /** The time until the next walk by itself, once that has begun; 0 if it does not begin before. */
  async function walkAfter(ms: number): Promise<void> {
    const before = await state();
    wait(ms - 1_000);
    await host.sync.idle();
    expect((await state()).read_at).toEqual(before.read_at);
    wait(1_000);
    await until(async () => String((await state()).read_at) !== String(before.read_at));
    await until(async () => (await state()).walk_token === null);
  }

  it('keeps its pace while webhooks bring everything', async () => {
    for (let i = 0; i < 3; i += 1) {
      await change({ told: true, inMs: 10_000 });
      await walkAfter(FIVE_MINUTES_MS - 10_000);
    }
    expect(await state()).toMatchObject({ health: 'healthy' });
    expect(alarms).toEqual([]);
  });

  it('is fast while webhooks are silent, and slow again after they have come back; each is told once', async () => {
    await change({ told: true });
    await walkAfter(FIVE_MINUTES_MS);
    // The endpoint is disabled.
    await change({ told: false });
    await walkAfter(FIVE_MINUTES_MS);
    expect(await state()).toMatchObject({ health: 'degraded' });
    expect(alarms).toEqual([
      expect.stringMatching(/^degraded: stripe\/default is degraded: .*1 event.*every 30 s/),
    ]);

    // Younger than what counts as lost, but nothing has come by webhook yet.
    await change({ told: false });
    await walkAfter(FASTEST_MS);
    await change({ told: false });
    await walkAfter(FASTEST_MS);
    expect(await state()).toMatchObject({ health: 'degraded' });
    expect(alarms).toHaveLength(1);

    await change({ told: true });
    await until(async () => (await state()).delivered_at !== null);
    await host.sync.idle();
    await walkAfter(FASTEST_MS);
    expect(await state()).toMatchObject({ health: 'healthy' });
    await walkAfter(2 * FASTEST_MS);
    await walkAfter(4 * FASTEST_MS);
    await walkAfter(8 * FASTEST_MS);
    await walkAfter(FIVE_MINUTES_MS);
    await walkAfter(FIVE_MINUTES_MS);
    expect(alarms).toHaveLength(1);
  });

  it('notices one lost webhook among many', async () => {
    await change({ told: true, times: 20 });
    await change({ told: false });
    await change({ told: true, times: 5 });
    await walkAfter(FIVE_MINUTES_MS);
    expect(await state()).toMatchObject({ health: 'degraded' });
  });

  it('slows down where nothing happens, though no webhook can show that it comes', async () => {
    await change({ told: false });
    await walkAfter(FIVE_MINUTES_MS);
    expect(await state()).toMatchObject({ health: 'degraded' });
    await walkAfter(FASTEST_MS);
    await walkAfter(2 * FASTEST_MS);
    await walkAfter(4 * FASTEST_MS);
    await walkAfter(8 * FASTEST_MS);
    await walkAfter(FIVE_MINUTES_MS);
    expect(await state()).toMatchObject({ health: 'degraded' });
  });

  it('expects no type of webhooks that they have never brought', async () => {
    await change({ told: true });
    host.stripe.create('product', { id: 'prod_1' }, { delivery: 'lost' });
    await walkAfter(FIVE_MINUTES_MS);
    await settled(host);
    expect(await state()).toMatchObject({ health: 'healthy' });
    expect(alarms).toEqual([]);
  });

  it('blames no webhook for a time in which the application was away itself', async () => {
    await change({ told: true });
    await walkAfter(FIVE_MINUTES_MS);
    await change({ told: false });
    wait(3_600_000);
    await until(async () => (await host.count(SyncEventEntity)) === 2);
    await until(async () => (await state()).walk_token === null);
    expect(await state()).toMatchObject({ health: 'healthy' });
    expect(alarms).toEqual([]);
  });

  it('knows a provider that cannot be read as down, tries less and less often, and says when it is back', async () => {
    host.stripe.faults.outage = true;
    const failures = async () => Number((await state()).failures);
    wait(FIVE_MINUTES_MS);
    for (let n = 1; n <= 5; n += 1) {
      await until(async () => (await failures()) === n);
      wait(5_000 * 2 ** (n - 1));
    }
    expect(await state()).toMatchObject({ health: 'down' });
    expect(alarms).toEqual([
      expect.stringMatching(/^down: stripe\/default is down: .*3 times in a row: Stripe: 503/),
    ]);
    host.stripe.faults.outage = false;
    wait(FIVE_MINUTES_MS);
    await until(async () => (await failures()) === 0);
    expect(await state()).toMatchObject({ health: 'healthy', error: null });
    expect(alarms).toHaveLength(1);
  });
});
