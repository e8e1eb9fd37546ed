import { Injectable } from '@nestjs/common';
import {
  OnSyncChange,
  OnSyncEvent,
  RetryLaterError,
  SyncChange,
  SyncContext,
  SyncEvent,
} from 'nestjs-hybrid-sync';
import { databaseKind } from '../support/database.js';
import { startHost, type Host } from '../support/host.js';
import { itOn, SERVERS } from '../support/only-on.js';
import { dispatcherOf, Gate, noPassRuns, quick, send, settled, store } from '../support/scenario.js';

let names: string[] = [];
let events: string[] = [];
let play: (where: 'change' | 'event') => unknown = () => undefined;

@Injectable()
class Shop {
  @OnSyncChange('stripe', 'product')
  async shelf({ data }: SyncChange<{ name: string }>) {
    await play('change');
    names.push(data?.name ?? 'gone');
  }

  @OnSyncEvent('stripe', 'product.*')
  async news({ id }: SyncEvent, _context: SyncContext) {
    await play('event');
    events.push(id!);
  }
}

/** During a handler, deliveries wait on SQLite: see the file about it. */
const moments = databaseKind === 'sqlite' ? (['fetch'] as const) : (['fetch', 'handler'] as const);

describe('promise 5, never the last trigger lost', () => {
  let host: Host;
  let other: Host;

  /** Nobody looks for due events by himself, but for the tests that say so. */
  const sync = { sweepEveryMs: 600_000 };

  beforeAll(async () => {
    host = await startHost({ ...quick, providers: [Shop], sync });
    other = await startHost({ ...quick, providers: [Shop], sync, beside: host });
  });
  afterAll(async () => {
    await other?.close();
    await host?.close();
  });
  beforeEach(async () => {
    [names, events] = [[], []];
    play = () => undefined;
    host.stripe.requests.clear();
    for (const table of ['event', 'record', 'mark']) await host.sql(`DELETE FROM sync_${table}`);
  });

  const product = (name: string) => host.stripe.create('product', { name }, { delivery: 'unlogged' });
  const rename = (id: string, name: string) =>
    host.stripe.update('product', id, { name }, { delivery: 'unlogged' });
  const fetches = () => host.stripe.requests.length;

  it('a hundred events of one record cost two fetches, and the last state is there', async () => {
    const { id } = product('0');
    const first = host.stripe.hold({ path: `/v1/products/${id}` }, 'answer');
    await send(host, product('other'));
    host.stripe.update('product', id, { name: '1' });
    await first.reached;
    for (let i = 2; i <= 100; i++) host.stripe.update('product', id, { name: String(i) });
    await host.stripe.flush();
    first.release();
    await settled(host);
    expect(host.stripe.requests.count({ path: `/v1/products/${id}` })).toBe(2);
    expect(names.filter((name) => name !== 'other')).toEqual(['1', '100']);
    expect(new Set(events).size).toBe(101);
  });

  it('without anything in their way, a hundred events cost far less than a hundred fetches', async () => {
    const { id } = product('0');
    for (let i = 1; i <= 100; i++) host.stripe.update('product', id, { name: String(i) });
    await host.stripe.flush();
    await settled(host);
    expect(names.at(-1)).toBe('100');
    expect(events).toHaveLength(100);
    expect(fetches()).toBeLessThan(50);
  });

  it.each(moments)('what comes during the %s costs exactly one fetch more', async (during) => {
    const object = product('old');
    const fetch =
      during === 'fetch' ? host.stripe.hold({ path: `/v1/products/${object.id}` }, 'answer') : new Gate();
    if (fetch instanceof Gate) play = (where) => where === 'change' && names.length === 0 && fetch.pass();
    await send(host, object);
    await fetch.reached;
    rename(object.id, 'new');
    for (let i = 0; i < 5; i++) await send(host, object);
    fetch.release();
    await settled(host);
    expect(fetches()).toBe(2);
    expect(names).toEqual(['old', 'new']);
    expect(events).toHaveLength(6);
  });

  it.each(moments)(
    'a nudge for a record that another process has in hand, in a %s, is not lost',
    async (during) => {
      const object = product('old');
      const path = { path: `/v1/products/${object.id}` };
      const gate = during === 'fetch' ? host.stripe.hold(path, 'answer') : new Gate();
      if (gate instanceof Gate) play = (where) => where === 'event' && events.length === 0 && gate.pass();
      await send(host, object);
      await gate.reached;
      rename(object.id, 'new');
      await send(other, object);
      await noPassRuns(other);
      gate.release();
      await settled(host);
      expect(names).toEqual(['old', 'new']);
      expect(fetches()).toBe(2);
    },
  );

  it('a nudge that is lost is made good by the sweep', async () => {
    const object = product('old');
    const id = await send(host, object);
    await settled(host);
    rename(object.id, 'new');
    await store(host, id);
    await dispatcherOf(other).sweep();
    await settled(host);
    expect(names).toEqual(['old', 'new']);
  });

  itOn(SERVERS, 'SQLite has one writer at a time')(
    'an event that is committed after later ones is found all the same',
    async () => {
      const object = product('old');
      const id = await send(host, object);
      await settled(host);
      const slow = host.dataSource.createQueryRunner();
      await slow.startTransaction();
      await store(host, id, { manager: slow.manager });
      await send(host, object);
      await settled(host);
      await dispatcherOf(host).sweep();
      await slow.commitTransaction();
      await slow.release();
      await dispatcherOf(host).sweep();
      await settled(host);
      expect(events).toHaveLength(3);
    },
  );

  it('more events than one pass takes are taken by the next', async () => {
    const object = product('old');
    const id = await send(host, object);
    await settled(host);
    await store(host, id, { count: 1_200, as: () => ({ type: 'silent' }) });
    await store(host, id);
    await dispatcherOf(host).sweep();
    await settled(host);
    expect(events).toEqual([id, 'evt_1']);
    expect(fetches()).toBe(3);
  });

  it('and if its handler fails, they wait together: the rest does not make it run again and again', async () => {
    const object = product('old');
    const fetch = host.stripe.hold({ path: `/v1/products/${object.id}` }, 'answer');
    let calls = 0;
    play = (where) => {
      if (where === 'change') return;
      calls += 1;
      throw new RetryLaterError({ afterMs: 60_000 });
    };
    const id = await send(host, object);
    await fetch.reached;
    await store(host, id, { count: 1_200 });
    fetch.release();
    await host.sync.idle();
    expect(calls).toBe(1);
    expect(fetches()).toBeLessThan(5);
  });
});
