import { Injectable } from '@nestjs/common';
import { OnSyncAlarm, OnSyncEvent, SyncAlarm } from 'nestjs-hybrid-sync';
import { SweepScheduler } from '../../lib/dispatch/sweep.scheduler.js';
import { startHost, until, type Host } from '../support/host.js';
import { dispatcherOf, quick, send, settled, store } from '../support/scenario.js';

/** Never, as far as a test goes. */
const NEVER_MS = 2 ** 30;
const HOUR_MS = 3_600_000;

let handled = 0;
let fails = false;
let alarms: SyncAlarm[] = [];

@Injectable()
class Billing {
  @OnSyncEvent('stripe', 'customer.*', { name: 'book', hydrate: false })
  book() {
    if (fails) throw new Error('no');
    handled += 1;
  }

  @OnSyncAlarm()
  alarm(alarm: SyncAlarm) {
    alarms.push(alarm);
  }
}

describe('a backlog', () => {
  let host: Host;
  beforeEach(async () => {
    [handled, fails, alarms] = [0, false, []];
    host = await startHost({
      ...quick,
      providers: [Billing],
      source: { ...quick.source, backoffMs: () => 2 * HOUR_MS },
      sync: { sweepEveryMs: NEVER_MS },
    });
  });
  afterEach(() => host.close());

  /** An event that is settled, which the others are like. */
  async function first(): Promise<string> {
    const customer = host.stripe.create('customer', {}, { delivery: 'unlogged' });
    const id = await send(host, customer);
    await settled(host);
    return id;
  }
  const ofRecord = (n: number) => {
    const key = Buffer.alloc(16);
    key.writeUInt32BE(n);
    return { recordKey: key, recordId: `cus_${n}` };
  };
  const old = (ms: number) => ({
    receivedAt: new Date(Date.now() - ms),
    availableAt: new Date(Date.now() - ms),
  });
  const reported = async () => {
    alarms = [];
    await host.app.get(SweepScheduler, { strict: false }).reportStuck();
    return alarms.map(({ kind, message }) => `${kind}: ${message.split('. ')[0]}`);
  };

  it('larger than what one look takes is worked off at once, without another one by the clock', async () => {
    const id = await first();
    await store(host, id, { count: 2_500, as: ofRecord });
    await dispatcherOf(host).sweep();
    await until(() => handled === 2_501);
  });

  it('that nobody looks at is told of, as far as it is counted', async () => {
    const id = await first();
    await host.sync.pause({ source: 'stripe' });
    await store(host, id, {
      count: 20,
      as: (n) => ({ ...ofRecord(n), ...old(n === 7 ? 2 * HOUR_MS : 60_000) }),
    });
    expect(await reported()).toEqual([]);
    await host.sql(`UPDATE sync_pause SET source = 'other'`);
    expect(await reported()).toEqual([
      expect.stringMatching(
        /^stuck: stripe\/default: 1 event\(s\) wait .* the oldest for 7\d{6} ms \(not yet looked at\)$/,
      ),
    ]);
    await store(host, id, { count: 150, as: (n) => ({ ...ofRecord(n), ...old(3 * HOUR_MS) }) });
    expect(await reported()).toEqual([
      expect.stringMatching(/at least 100 event\(s\) wait .* the oldest for 108\d{5} ms/),
    ]);
  });

  it('that is held up is told of by what holds it up, but for a pause', async () => {
    const id = await first();
    fails = true;
    await send(host, host.stripe.create('customer', {}, { delivery: 'unlogged' }));
    await until(
      async () => (await host.sql(`SELECT FROM sync_event WHERE wait_reason = 'retry'`)).length === 1,
    );
    expect(await reported()).toEqual([]);
    await host.sql(
      `UPDATE sync_event SET received_at = received_at - interval '2 h' WHERE state = 'waiting'`,
    );
    expect(await reported()).toEqual([expect.stringMatching(/: 1 event\(s\) wait .*\(retry\)$/)]);
    const later = {
      availableAt: new Date(Date.now() + HOUR_MS),
      receivedAt: new Date(Date.now() - 3 * HOUR_MS),
    };
    await store(host, id, { count: 3, as: (n) => ({ ...ofRecord(n), ...later, waitReason: 'paused' }) });
    expect(await reported()).toEqual([expect.stringMatching(/: 1 event\(s\) wait .*\(retry\)$/)]);
    await store(host, id, { count: 3, as: (n) => ({ ...ofRecord(n), ...later, waitReason: 'budget' }) });
    expect(await reported()).toEqual([expect.stringMatching(/: 4 event\(s\) wait .*\(budget\)$/)]);
    // Replayed just now, it has waited since then.
    await host.sql(`UPDATE sync_event SET replayed_at = now() WHERE wait_reason = 'budget'`);
    expect(await reported()).toEqual([expect.stringMatching(/: 1 event\(s\) wait .*\(retry\)$/)]);
  });

  it('is counted up to a limit', async () => {
    const id = await first();
    await host.sync.pause({ source: 'stripe' });
    await store(host, id, { count: 10_010, as: ofRecord });
    const [many] = await host.sync.status();
    expect(many).toMatchObject({ countedTo: 10_000, waiting: { count: 10_000, reasons: { due: 10_000 } } });
    await host.sql(`DELETE FROM sync_event WHERE record_id <> 'cus_1'`);
    const [few] = await host.sync.status();
    expect(few).toMatchObject({ waiting: { count: 1, reasons: { due: 1 } } });
  });
});
