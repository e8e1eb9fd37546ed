import { Injectable } from '@nestjs/common';
import { OnSyncAlarm, OnSyncEvent, SyncAlarm, SyncContext, SyncEvent } from 'nestjs-hybrid-sync';
import { startHost, until, type Host } from '../support/host.js';

@Injectable()
class Billing {
  /** `<record> <attempt>` */
  readonly handled: string[] = [];
  readonly alarms: SyncAlarm[] = [];

  @OnSyncEvent('stripe', 'customer.created')
  created(_: SyncEvent, { record, attempt }: SyncContext) {
    this.handled.push(`${record.id} ${attempt}`);
  }

  @OnSyncAlarm()
  alarm(alarm: SyncAlarm) {
    this.alarms.push(alarm);
  }
}

const MAX_ATTEMPTS = 3;

describe('one bad thing stops one thing: the provider', () => {
  let host: Host;
  let billing: Billing;

  beforeEach(async () => {
    await start();
  });
  afterEach(() => host?.close());

  async function start(source = {}): Promise<void> {
    host = await startHost({
      providers: [Billing],
      source: { maxAttempts: MAX_ATTEMPTS, backoffMs: () => 20, ...source },
      sync: { sweepEveryMs: 20 },
    });
    billing = host.app.get(Billing);
  }

  const fetchesOf = (id: string) => host.stripe.requests.count({ path: `/v1/customers/${id}`, status: /./ });

  async function create(...ids: string[]): Promise<void> {
    for (const id of ids) host.stripe.create('customer', { id });
    await host.stripe.flush();
  }

  function events(where: string) {
    return host.sql<{ record_id: string; state: string; wait_reason: string | null; dead_by: string | null }>(
      `SELECT record_id, state, wait_reason, dead_by FROM sync_event WHERE ${where} ORDER BY id`,
    );
  }

  it.each(['outage', 'unauthorized'] as const)(
    '%s: events wait, use no attempt, and go on when it is over',
    async (fault) => {
      await create('cus_before');
      await until(() => billing.handled.length === 1);
      host.stripe.faults[fault] = true;
      const ids = ['cus_1', 'cus_2', 'cus_3'];
      await create(...ids);
      // Far longer than their attempts would have lasted.
      await until(() => ids.every((id) => fetchesOf(id) > 3 * MAX_ATTEMPTS));
      expect(await events(`state <> 'completed'`)).toEqual(
        ids.map((record_id) => ({
          record_id,
          state: 'waiting',
          wait_reason: 'provider-unavailable',
          dead_by: null,
        })),
      );
      host.stripe.faults[fault] = false;
      await until(() => billing.handled.length === 1 + ids.length);
      expect(billing.handled.sort()).toEqual(['cus_1 1', 'cus_2 1', 'cus_3 1', 'cus_before 1']);
      expect(billing.alarms).toEqual([]);
    },
  );

  it('429: its connection pauses once for all that were under way, and no attempt is used', async () => {
    const ids = Array.from({ length: 20 }, (_, i) => `cus_${i}`);
    host.stripe.faults.rateLimit = { next: ids.length };
    const underWay = ids.map((id) => host.stripe.hold({ path: `/v1/customers/${id}` }, 'arrival'));
    await create(...ids);
    await Promise.all(underWay.map(({ reached }) => reached));
    underWay.forEach((request) => request.release());
    await until(() => billing.handled.length === ids.length);
    expect(billing.handled.sort()).toEqual(ids.map((id) => `${id} 1`).sort());

    const requests = host.stripe.requests.all();
    const refused = requests.filter(({ status }) => status === 429);
    const served = requests.filter(({ status }) => status === 200);
    expect([refused.length, served.length]).toEqual([ids.length, ids.length]);
    const firstAt = Math.min(...served.map(({ at }) => at.getTime()));
    expect(firstAt - Math.max(...refused.map(({ at }) => at.getTime()))).toBeGreaterThan(500);
  });

  it('429: nobody else of its connection asks meanwhile, and another connection goes on', async () => {
    host.stripe.faults.failNext({ status: 429, headers: { 'retry-after': '2' } });
    await create('cus_first');
    await until(async () => (await events(`wait_reason = 'rate-limited'`)).length === 1);
    await create('cus_second');
    host.stripe.create('customer', { id: 'cus_other' }, { account: 'acct_other' });
    await until(async () => (await events(`wait_reason = 'rate-limited'`)).length === 2);
    await until(() => billing.handled.includes('cus_other 1'));
    expect(host.stripe.requests.all().map(({ path, status }) => [path, status])).toEqual([
      ['/v1/customers/cus_first', 429],
      ['/v1/customers/cus_other', 200],
    ]);
    await until(() => billing.handled.length === 3);
    expect(billing.handled.sort()).toEqual(['cus_first 1', 'cus_other 1', 'cus_second 1']);
  });

  it('fails for one record for ever: that one gives up, and can be replayed', async () => {
    host.stripe.faults.failNext({ match: { path: '/v1/customers/cus_bad' }, times: Infinity });
    await create('cus_good_0', 'cus_bad');
    // Only while others are answered is it the record's own fault.
    for (let i = 1; (await events(`record_id = 'cus_bad' AND state = 'dead'`)).length === 0; i += 1) {
      const id = `cus_good_${i}`;
      await create(id);
      await until(() => billing.handled.includes(`${id} 1`));
    }
    await until(async () => (await events(`state = 'waiting'`)).length === 0);
    expect(await events(`state <> 'completed'`)).toMatchObject([
      { record_id: 'cus_bad', dead_by: '["hydrate"]' },
    ]);
    expect(fetchesOf('cus_bad')).toBeGreaterThanOrEqual(MAX_ATTEMPTS);
    expect(billing.alarms).toMatchObject([{ kind: 'dead', record: { id: 'cus_bad' } }]);

    host.stripe.faults.clear();
    expect(await host.sync.replay({ recordId: 'cus_bad' }, { perSecond: 3 })).toEqual({ replayed: 1 });
    await until(() => billing.handled.includes('cus_bad 1'));
  });

  it('lets one account make few calls: its backlog does not keep another account waiting', async () => {
    await host.close();
    await start({ callsPerSecond: 5 });
    for (let i = 0; i < 300; i += 1) host.stripe.create('customer', {}, { account: 'acct_big' });
    await host.stripe.flush();
    host.stripe.create('customer', { id: 'cus_only' }, { account: 'acct_small' });
    await until(() => billing.handled.includes('cus_only 1'));
    const [{ n }] = (await host.sql(`SELECT count(*)::int AS n FROM sync_event WHERE state = 'waiting'`)) as [
      { n: number },
    ];
    expect(n).toBeGreaterThan(250);
  });

  it('takes for ever with one account: another account does not wait for it', async () => {
    const held = Array.from({ length: 150 }, () => host.stripe.hold({ account: 'acct_slow' }, 'arrival'));
    for (const _ of held) host.stripe.create('customer', {}, { account: 'acct_slow' });
    await host.stripe.flush();
    await held[0]!.reached;
    host.stripe.create('customer', { id: 'cus_only' }, { account: 'acct_quick' });
    await until(() => billing.handled.includes('cus_only 1'));
    expect(billing.handled).toEqual(['cus_only 1']);
    held.forEach((fetch) => fetch.release());
    await until(() => billing.handled.length === 1 + held.length);
  });
});
