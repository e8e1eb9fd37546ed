import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import {
  OnSyncChange,
  OnSyncEvent,
  RetryLaterError,
  SyncChange,
  SyncContext,
  SyncEvent,
  UnrecoverableError,
} from 'nestjs-hybrid-sync';
import { startHost, until, type Host } from '../support/host.js';
import { itOn, NOBODY_ELSE_WRITES, SERVERS } from '../support/only-on.js';
import { Gate, quick, send, settled, store, travel } from '../support/scenario.js';

let calls: string[] = [];
let replayed: boolean[] = [];
let play: (handler: string) => unknown = () => undefined;

async function handle(handler: string, what: string | null) {
  calls.push(`${handler} ${what}`);
  await play(handler);
}

@Injectable()
class Shop {
  @OnSyncEvent('stripe', 'customer.*', { name: 'book' })
  book(event: SyncEvent, _context: SyncContext) {
    replayed.push(event.replayed);
    return handle('book', event.id);
  }

  @OnSyncEvent('stripe', 'customer.*', { name: 'mail' })
  mail(event: SyncEvent) {
    return handle('mail', event.id);
  }

  @OnSyncChange('stripe', 'product', { name: 'shelf' })
  shelf({ kind, record }: SyncChange) {
    return handle('shelf', `${kind} v${record.version}`);
  }
}

describe('replay and explain', () => {
  let host: Host;

  beforeAll(async () => {
    host = await startHost({ ...quick, providers: [Shop], source: { ...quick.source, maxAttempts: 2 } });
  });
  afterAll(() => host?.close());
  beforeEach(async () => {
    [calls, replayed] = [[], []];
    play = () => undefined;
    host.stripe.faults.clear();
    for (const table of ['event', 'record', 'mark']) await host.sql(`DELETE FROM sync_${table}`);
  });

  const create = (type: string) => host.stripe.create(type, {}, { delivery: 'unlogged' });
  const fail = (handler: string) =>
    (play = (name) => {
      if (name === handler) throw new UnrecoverableError('no such account');
    });
  const replay = async (...args: Parameters<Host['sync']['replay']>) => {
    calls = [];
    const result = await host.sync.replay(...args);
    await settled(host);
    return result.replayed;
  };

  it('runs those that have not succeeded, again if they fail again', async () => {
    fail('mail');
    const id = await send(host, create('customer'));
    await settled(host);
    expect(await replay({ eventId: id })).toBe(1);
    expect(calls).toEqual([`mail ${id}`]);
    play = () => undefined;
    expect(await replay({ eventId: id })).toBe(1);
    expect(calls).toEqual([`mail ${id}`]);
    expect(await host.sql('SELECT state, succeeded_by, dead_by FROM sync_event')).toEqual([
      { state: 'completed', succeeded_by: '["book","mail"]', dead_by: null },
    ]);
    await replay({ eventId: id });
    expect(calls).toEqual([]);
  });

  it('runs all if asked to, and says so', async () => {
    const id = await send(host, create('customer'));
    await settled(host);
    await replay({ eventId: id }, { handlers: 'all' });
    expect(calls).toEqual([`book ${id}`, `mail ${id}`]);
    expect(replayed).toEqual([false, true]);
  });

  it('shows change handlers that gave up the record again, and the others only if asked to', async () => {
    fail('shelf');
    const product = create('product');
    const id = await send(host, product);
    await settled(host);
    play = () => undefined;
    await replay({ eventId: id });
    expect(calls).toEqual(['shelf created v1']);
    await replay({ eventId: id });
    expect(calls).toEqual([]);
    await replay({ eventId: id }, { handlers: 'all' });
    expect(calls).toEqual(['shelf updated v1']);
  });

  itOn(SERVERS, NOBODY_ELSE_WRITES)(
    'is not forgotten by a pass that is just then over the same record',
    async () => {
      const product = create('product');
      const first = await send(host, product);
      await settled(host);
      const gate = new Gate();
      play = () => gate.pass();
      host.stripe.update('product', product.id, { name: 'new' }, { delivery: 'unlogged' });
      await send(host, product);
      await gate.reached;
      await host.sync.replay({ eventId: first }, { handlers: 'all' });
      gate.release();
      await settled(host);
      expect(calls).toEqual(['shelf created v1', 'shelf updated v2', 'shelf updated v2']);
    },
  );

  it('shows change handlers the newest, however old the event', async () => {
    const product = create('product');
    const id = await send(host, product);
    await settled(host);
    host.stripe.update('product', product.id, { name: 'new' }, { delivery: 'unlogged' });
    await replay({ eventId: id });
    expect(calls).toEqual(['shelf updated v2']);
  });

  it('finds events by every field of its filter, and refuses to do so by none', async () => {
    const customers = [create('customer'), create('customer')];
    for (const [i, customer] of customers.entries())
      await send(host, customer, { id: `evt_${i}`, type: `customer.n${i}` });
    await send(host, create('product'), { id: 'evt_p' });
    await send(host, create('coupon'), { id: 'evt_c' });
    await settled(host);
    const [row] = await host.sql<{ id: string }>(`SELECT id FROM sync_event WHERE event_id = 'evt_1'`);
    const now = Date.now();
    expect(await replay({ id: row!.id })).toBe(1);
    expect(await replay({ eventId: 'evt_none' })).toBe(0);
    expect(await replay({ eventId: 'EVT_1' })).toBe(0);
    expect(await replay({ recordId: customers[0]!.id })).toBe(1);
    expect(await replay({ resource: 'customer', type: 'customer.n0' })).toBe(1);
    expect(await replay({ state: 'skipped' })).toBe(1);
    expect(await replay({ source: 'stripe' })).toBe(4);
    expect(await replay({ type: 'other' })).toBe(0);
    expect(await replay({ connectionId: 'default', handler: 'book' })).toBe(2);
    expect(await replay({ since: new Date(now - 60_000), until: new Date(now + 60_000) })).toBe(4);
    expect(await replay({ until: new Date(now - 60_000) })).toBe(0);
    await expect(host.sync.replay({})).rejects.toThrow(RangeError);
    await expect(host.sync.replay({ source: undefined })).rejects.toThrow(RangeError);
    await expect(host.sync.replay({ source: 'stripe' }, { perSecond: 0 })).rejects.toThrow(RangeError);
  });

  it('leaves what waits alone, and what cannot be stored', async () => {
    play = () => {
      throw new RetryLaterError({ afterMs: 60_000 });
    };
    await send(host, create('customer'));
    await send(host, { object: 'customer', id: 'cus_\0' });
    await until(
      async () => (await host.sql(`SELECT FROM sync_event WHERE wait_reason IS NOT NULL`)).length === 1,
    );
    expect(await host.sync.replay({ source: 'stripe' })).toEqual({ replayed: 0 });
  });

  it('does many at the pace that is asked for', async () => {
    const customer = create('customer');
    await send(host, customer, { id: 'evt_first' });
    await settled(host);
    await store(host, 'evt_first', {
      count: 600,
      as: (n) => ({
        resource: 'balance',
        recordId: `b${n}`,
        recordKey: randomBytes(16),
        type: 'x',
        state: 'skipped',
        settledAt: new Date(),
      }),
    });
    const result = await host.sync.replay({ resource: 'balance' }, { perSecond: 7 });
    expect(result.replayed).toBe(600);
    const [spread] = await host.sql<{ first_at: Date; last_at: Date }>(
      `SELECT min(available_at) AS first_at, max(available_at) AS last_at FROM sync_event WHERE resource = 'balance'`,
    );
    const seconds = (spread!.last_at.getTime() - spread!.first_at.getTime()) / 1_000;
    expect(seconds).toBeGreaterThan(85);
    expect(seconds).toBeLessThan(90);
    travel(host, 100_000);
    await settled(host);
    travel(host, -100_000);
  });

  it('keeps that pace for the events of one record, whatever else comes for it', async () => {
    const customer = create('customer');
    for (const id of ['evt_1', 'evt_2', 'evt_3']) await send(host, customer, { id });
    await settled(host);
    calls = [];
    const waiting = async () => (await host.sql(`SELECT FROM sync_event WHERE state = 'waiting'`)).length;
    const replay = host.sync.replay({ source: 'stripe' }, { handlers: 'all', perSecond: 0.01 });
    expect(await replay).toEqual({ replayed: 3 });
    await until(async () => (await waiting()) === 2);
    await send(host, customer, { id: 'evt_4' });
    await until(() => calls.includes('mail evt_4'));
    const first = ['book evt_1', 'mail evt_1', 'book evt_4', 'mail evt_4'];
    expect(calls).toEqual(first);
    travel(host, 100_000);
    await until(async () => (await waiting()) === 1);
    expect(calls).toEqual([...first, 'book evt_2', 'mail evt_2']);
    travel(host, 100_000);
    await settled(host);
    travel(host, -200_000);
    expect(calls.at(-1)).toBe('mail evt_3');
  });

  describe('explain says why an event is where it is', () => {
    const explain = (id: string) => host.sync.explain(id);

    it('unknown', async () => {
      expect(await explain('evt_unknown')).toMatch(/^evt_unknown: not in the inbox/);
    });

    it('completed, by its provider’s id and by its inbox id', async () => {
      const customer = create('customer');
      const id = await send(host, customer);
      await settled(host);
      const [row] = await host.sql<{ id: string }>('SELECT id FROM sync_event');
      expect(await explain(id)).toMatch(
        new RegExp(`^stripe event ${id} \\(customer.updated\\) about customer ${customer.id}`),
      );
      expect(await explain(id)).toContain('Done by book, mail.');
      expect(await explain(row!.id)).toBe(await explain(id));
    });

    it('in hand', async () => {
      const gate = new Gate();
      play = () => gate.pass();
      const id = await send(host, create('customer'));
      await gate.reached;
      expect(await explain(id)).toMatch(/waiting; a worker has its record in hand, until \d{4}-/);
      gate.release();
      await settled(host);
    });

    it('to be tried again', async () => {
      play = (handler) => {
        if (handler === 'mail') throw new RetryLaterError({ afterMs: 60_000 });
      };
      const id = await send(host, create('customer'));
      await until(
        async () => (await host.sql(`SELECT FROM sync_event WHERE wait_reason IS NOT NULL`)).length === 1,
      );
      expect(await explain(id)).toMatch(
        /waiting until \d{4}-.*: a handler asked to be called again then\.\n.*mail: failed after 0/,
      );
    });

    it('dead', async () => {
      fail('mail');
      const id = await send(host, create('customer'));
      await settled(host);
      const text = await explain(id);
      expect(text).toMatch(/dead since .*: mail gave up. SyncService.replay\({ id: '\d+' }\) tries again/);
      expect(text).toContain('Done by book.');
      expect(text).toContain('Last error: UnrecoverableError: no such account.');
    });

    it('skipped', async () => {
      const id = await send(host, create('coupon'));
      await settled(host);
      expect(await explain(id)).toMatch(/skipped at .*: no handler listens/);
    });
  });
});
