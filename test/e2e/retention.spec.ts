import { Injectable } from '@nestjs/common';
import { OnSyncChange, OnSyncEvent, SyncChange, SyncEvent, type RunReport } from 'nestjs-hybrid-sync';
import { PruneScheduler } from '../../lib/dispatch/prune.scheduler.js';
import { EventRetentionService } from '../../lib/inbox/event-retention.service.js';
import { ResolvedSyncOptions } from '../../lib/sync.options.js';
import { connectTo } from '../support/database.js';
import { startHost, until, type Host } from '../support/host.js';
import { itOn, SERVERS } from '../support/only-on.js';
import { found, longAgo, reconcile } from '../support/reconciling.js';
import { quick, send, settled, store } from '../support/scenario.js';
import { waitingForLock } from '../support/sessions.js';

let calls: string[] = [];
let fails = false;

@Injectable()
class Crm {
  @OnSyncEvent('stripe', 'customer.*', { name: 'book' })
  async book(event: SyncEvent) {
    calls.push(`book ${event.id}`);
    if (fails) throw new Error('no');
  }

  @OnSyncChange('stripe', 'customer', { name: 'copy' })
  copy({ kind }: SyncChange) {
    calls.push(`copy ${kind}`);
  }
}

describe('events that were settled long ago', () => {
  let host: Host;
  let second: Host | undefined;

  const started = () =>
    startHost({ ...quick, providers: [Crm], source: { ...quick.source, maxAttempts: 2 } });
  beforeEach(async () => {
    [calls, fails] = [[], false];
    host = await started();
  });
  afterEach(async () => {
    await second?.close();
    second = undefined;
    await host.close();
  });

  const create = () => host.stripe.create('customer', {}, { delivery: 'unlogged' });
  const pruneIn = ({ app }: Host) => app.get(PruneScheduler, { strict: false }).prune();
  const stepsIn = ({ app }: Host) => app.get(EventRetentionService, { strict: false }).steps();
  const kept = async () => {
    const rows = await host.sql<{ event_id: string }>('SELECT event_id FROM sync_event ORDER BY id');
    return rows.map(({ event_id: id }) => id);
  };
  const count = async () => (await host.sql('SELECT id FROM sync_event')).length;

  /** Days go by, as the tables tell them. */
  async function pass(days: number, tables?: string[]): Promise<void> {
    const times = {
      event: ['occurred_at', 'received_at', 'available_at', 'settled_at', 'replayed_at'],
      run: ['started_at', 'finished_at'],
      cursor: ['due_at'],
    };
    for (const [table, columns] of Object.entries(times)) {
      if (tables?.includes(table) === false) continue;
      const set = columns.map((column) => `${column} = ${column} - interval '${days} days'`);
      await host.sql(`UPDATE sync_${table} SET ${set.join(', ')}`);
    }
  }

  async function handled(customer = create()): Promise<string> {
    const id = await send(host, customer);
    await settled(host);
    return id;
  }

  /** So many that were settled ages ago. */
  async function many(events: number): Promise<void> {
    const id = await handled();
    await store(host, id, { count: events - 1, as: () => ({ state: 'completed', settledAt: new Date() }) });
    await pass(91);
  }

  it('go with time, and what is known of their records stays', async () => {
    const [living, deleted] = [create(), create()];
    await handled(living);
    host.stripe.delete('customer', deleted.id, { delivery: 'unlogged' });
    await handled(deleted);
    await pass(89);
    const young = await handled();
    await pruneIn(host);
    expect(await kept()).toHaveLength(3);
    await pass(2);
    await pruneIn(host);
    expect(await kept()).toEqual([young]);
    const records = await host.sql('SELECT deleted_at FROM sync_record WHERE version > 0');
    expect(records.filter(({ deleted_at: at }) => at === null)).toHaveLength(2);
    expect(await host.sql('SELECT FROM sync_record WHERE deleted_at IS NOT NULL')).toHaveLength(1);
  });

  it('stay while they wait, are dead, or were replayed since', async () => {
    const replayed = await handled();
    fails = true;
    const dead = await send(host, create());
    await until(async () => (await host.sql(`SELECT FROM sync_event WHERE state = 'dead'`)).length === 1);
    await host.sync.pause({ source: 'stripe' });
    fails = false;
    const waiting = await send(host, create());
    await pass(20);
    await host.sync.replay({ eventId: replayed }, { handlers: 'all' });
    await host.sync.resume({ source: 'stripe' });
    await until(async () => (await host.sql(`SELECT FROM sync_event WHERE state = 'waiting'`)).length === 0);
    await host.sync.pause({ source: 'stripe' });
    const waitsOn = await send(host, create());

    await pass(75);
    await pruneIn(host);
    expect(await kept()).toEqual([replayed, dead, waiting, waitsOn]);
    await pass(20);
    await pruneIn(host);
    expect(await kept()).toEqual([dead, waitsOn]);
    await host.sync.replay({ eventId: dead });
    await host.sync.resume({ source: 'stripe' });
    await settled(host);
    await pass(91);
    await pruneIn(host);
    expect(await kept()).toEqual([]);
    expect(await host.sql('SELECT * FROM sync_mark WHERE event_id <> 0')).toEqual([]);
  });

  it('stay for as long after they happened, by a clock of the provider that is ahead', async () => {
    const ahead = Math.floor(Date.now() / 1_000) + 10 * 86_400;
    const id = await send(host, create(), { created: ahead });
    await settled(host);
    await pass(95);
    await pruneIn(host);
    expect(await kept()).toEqual([id]);
    await pass(6);
    await pruneIn(host);
    expect(await kept()).toEqual([]);
  });

  it('come again as new ones: their change handlers are not called for what they have seen, and nothing is undeleted', async () => {
    const [living, deleted] = [create(), create()];
    const id = await handled(living);
    host.stripe.delete('customer', deleted.id, { delivery: 'unlogged' });
    const deletion = await handled(deleted);
    await pass(91);
    await pruneIn(host);
    expect(await host.sync.explain(id)).toMatch(/not in the inbox.*past its retention/);

    calls = [];
    await send(host, living, { id });
    await send(host, deleted, { id: deletion });
    await settled(host);
    // For as long as its provider sends an event again, it is there; later an event handler does not know it.
    expect(calls.sort()).toEqual([`book ${id}`, `book ${deletion}`].sort());
    expect(await host.sql('SELECT FROM sync_record WHERE deleted_at IS NOT NULL')).toHaveLength(1);
  });

  it('leave their records known: an event that is lost later is of a record with another content', async () => {
    const customer = create();
    await handled(customer);
    await pass(91);
    await pruneIn(host);
    host.stripe.update('customer', customer.id, { name: 'Ada' }, { delivery: 'lost' });
    await longAgo(host);
    const report = await reconcile(host, { depth: 'log' });
    expect(await found(host, report)).toEqual([`stale ${customer.id}: never-delivered`]);
  });

  it('are not looked for in a log that reaches back further: all is compared instead', async () => {
    const source = { ...quick.source, start: new Date('2020-01-01') };
    second = await startHost({ ...quick, providers: [Crm], beside: host, source });
    const { sources } = second.app.get(ResolvedSyncOptions, { strict: false });
    Object.defineProperty(sources.stripe!.connector, 'changesReachMs', { value: undefined });
    await second.sync.reconcile({ source: 'stripe', depth: 'log' });
    expect(await host.sql('SELECT kind FROM sync_run')).toEqual([{ kind: 'reconcile' }]);
  });

  it('go without their bodies first, those that waited long too', async () => {
    const old = await handled();
    await host.sync.pause({ source: 'stripe' });
    const waits = await send(host, create());
    await pass(31);
    await pruneIn(host);
    const bodies = () => host.sql('SELECT event_id FROM sync_event WHERE payload IS NOT NULL ORDER BY id');
    expect(await bodies()).toEqual([{ event_id: waits }]);
    expect(await kept()).toEqual([old, waits]);
    await host.sync.resume({ source: 'stripe' });
    await settled(host);
    await pass(1);
    await pruneIn(host);
    expect(await bodies()).toEqual([]);
    expect(await kept()).toEqual([old, waits]);
  });

  it('go with a delivery that was kept as unstorable, which nothing can replay', async () => {
    await handled();
    await host.sql(`UPDATE sync_event SET state = 'dead', reason = 'unstorable'`);
    await pass(91);
    await pruneIn(host);
    expect(await kept()).toEqual([]);
  });

  it('go however many they are, a step at a time', async () => {
    await many(2_500);
    let steps = 0;
    for await (const _ of stepsIn(host)) steps += 1;
    expect(await count()).toBe(0);
    expect(steps).toBeGreaterThan(2);
    expect(steps).toBeLessThan(8);
  });

  itOn('postgres', 'elsewhere ids are set by hand')('go from behind a gap in their ids', async () => {
    await handled();
    await host.sql(`SELECT setval(pg_get_serial_sequence('sync_event', 'id'), 1000000000000)`);
    await handled();
    await pass(91);
    await pruneIn(host);
    expect(await kept()).toEqual([]);
  });

  it('are gone over again only hours later, by whichever process', async () => {
    second = await startHost({ ...quick, providers: [Crm], beside: host });
    await pruneIn(host);
    await handled();
    await pass(91, ['event']);
    for (const each of [host, second]) await pruneIn(each);
    expect(await count()).toBe(1);
    await pass(1);
    await pruneIn(second);
    expect(await count()).toBe(0);
  });

  it('may be deleted by two processes at once, if it comes to that', async () => {
    await many(1_500);
    second = await startHost({ ...quick, providers: [Crm], beside: host });
    await Promise.all(
      [host, second].map(async (each) => {
        for await (const _ of stepsIn(each));
      }),
    );
    expect(await count()).toBe(0);
  });

  describe('and that somebody has in hand', () => {
    itOn(SERVERS, 'one locks a row of theirs')('are left for the next time, and nobody waits', async () => {
      await handled();
      await handled();
      await pass(91);
      const [first] = await host.sql<{ id: unknown }>('SELECT id FROM sync_event ORDER BY id');
      const other = await connectTo(host.database);
      const runner = other.createQueryRunner();
      try {
        await runner.startTransaction();
        await runner.query(`SELECT id FROM sync_event WHERE id = ${String(first!.id)} FOR UPDATE`);
        await pruneIn(host);
        expect(await host.sql('SELECT id FROM sync_event')).toEqual([first]);
      } finally {
        await runner.rollbackTransaction();
        await runner.release();
        await other.destroy();
      }
    });

    itOn('postgres', 'a lock of its is what holds them up')(
      'keep other processes from them, and the application from its end, for a step',
      async () => {
        await many(1_500);
        second = await startHost({ ...quick, providers: [Crm], beside: host });
        const other = await connectTo(host.database);
        const runner = other.createQueryRunner();
        await runner.startTransaction();
        // Whoever only reads goes on.
        await runner.query('LOCK TABLE sync_event IN EXCLUSIVE MODE');
        const pruned = pruneIn(second);
        await until(async () => (await waitingForLock(host)).length > 0);
        await pruneIn(host);
        const closed = second.app.close();
        await runner.rollbackTransaction();
        await closed;
        await pruned;
        await runner.release();
        await other.destroy();
        second = undefined;

        const left = await count();
        expect(left).toBeGreaterThan(0);
        expect(left).toBeLessThan(1_500);
        await pruneIn(host);
        expect(await count()).toBe(0);
      },
    );
  });

  describe('and runs that ended long ago', () => {
    const runs = async () =>
      (await host.sql<{ id: unknown }>('SELECT id FROM sync_run ORDER BY id')).map(({ id }) => String(id));
    const findings = () => host.sql('SELECT run_id FROM sync_finding');
    async function reconciled(dryRun = false): Promise<string> {
      const run = await host.sync.reconcile({ source: 'stripe', dryRun });
      const report: RunReport = await run.done();
      expect(report.state).toBe('completed');
      return run.id;
    }

    it('go with what they found; the last good one stays, by which the next ones go', async () => {
      create();
      const first = await reconciled();
      const last = await reconciled();
      expect(await findings()).not.toEqual([]);
      const dry = await reconciled(true);
      await pass(91);
      await pruneIn(host);
      expect(await runs()).toEqual([last, dry]);
      await expect(host.sync.run(first).findings()).rejects.toThrow(RangeError);
      expect((await findings()).filter(({ run_id: id }) => String(id) === first)).toEqual([]);
      const next = await reconciled();
      await pass(1);
      await pruneIn(host);
      expect(await runs()).toEqual([next]);
    });
  });
});
