import { Injectable } from '@nestjs/common';
import { OnSyncChange, OnSyncEvent, SyncChange, SyncEvent } from 'nestjs-hybrid-sync';
import { startHost, type Host } from '../support/host.js';
import { quick, send, settled } from '../support/scenario.js';

let calls: string[] = [];
const DAY_MS = 86_400_000;

@Injectable()
class Shop {
  @OnSyncEvent('stripe', 'customer.*', { name: 'book' })
  book(event: SyncEvent) {
    calls.push(`book ${event.id}`);
  }

  @OnSyncEvent('stripe', 'customer.*', { name: 'since', notBefore: new Date(Date.now() - 10 * DAY_MS) })
  since(event: SyncEvent) {
    calls.push(`since ${event.id}`);
  }

  @OnSyncEvent('stripe', 'customer.*', { name: 'fresh', notBefore: new Date(0), maxAgeMs: 2 * DAY_MS })
  fresh(event: SyncEvent) {
    calls.push(`fresh ${event.id}`);
  }

  @OnSyncEvent('stripe', 'product.*', { name: 'news' })
  news(event: SyncEvent) {
    calls.push(`news ${event.id}`);
  }

  @OnSyncEvent('stripe', 'coupon.*', { name: 'old', notBefore: new Date(0), maxAgeMs: 1_000 })
  old(event: SyncEvent) {
    calls.push(`old ${event.id}`);
  }

  @OnSyncChange('stripe', 'customer', { name: 'copy' })
  copy({ kind }: SyncChange) {
    calls.push(`copy ${kind}`);
  }
}

describe.each([
  ['now', undefined],
  ['a date', new Date(Date.now() - 5 * DAY_MS)],
  ['the log', 'log'],
] as const)('promise 11, a source that starts with %s', (name, start) => {
  let host: Host;
  const days = { now: 0, 'a date': 5, 'the log': Infinity }[name];

  beforeAll(async () => {
    host = await startHost({ ...quick, providers: [Shop], source: { start } });
  });
  afterAll(() => host?.close());
  beforeEach(async () => {
    calls = [];
    for (const table of ['event', 'record', 'mark']) await host.sql(`DELETE FROM sync_${table}`);
  });

  const create = (type: string) => host.stripe.create(type, {}, { delivery: 'unlogged' });
  const ago = (ms: number) => ({ created: Math.floor((Date.now() - ms) / 1000) });
  const events = () => host.sql('SELECT state, reason FROM sync_event');

  it('shows event handlers nothing from before, and change handlers everything', async () => {
    for (const age of [100, 7, 3, 1, 0])
      await send(host, create('customer'), { id: `evt_${age}`, ...ago(age * DAY_MS) });
    await settled(host);
    const seen = (handler: string) => calls.filter((call) => call.startsWith(handler)).sort();
    const upTo = (handler: string, limit: number) =>
      [0, 1, 100, 3, 7].filter((age) => age <= limit).map((age) => `${handler} evt_${age}`);
    expect(seen('book')).toEqual(upTo('book', days));
    expect(seen('since')).toEqual(upTo('since', 10));
    expect(seen('fresh')).toEqual(upTo('fresh', 2));
    expect(seen('copy')).toHaveLength(5);
  });

  it('is lenient, since clocks differ', async () => {
    await send(host, create('product'), { id: 'evt_1', ...ago(30_000) });
    await settled(host);
    expect(calls).toEqual(['news evt_1']);
  });

  it('says why an event was skipped, and replays it if asked to', async () => {
    const product = create('product');
    const id = await send(host, product, { ...ago(days === Infinity ? 0 : 6 * DAY_MS) });
    await settled(host);
    if (days === Infinity) return expect(await events()).toEqual([{ state: 'completed', reason: null }]);
    expect(await events()).toEqual([{ state: 'skipped', reason: 'before-start' }]);
    expect(await host.sync.explain(id)).toContain('it happened before the source’s start');
    expect(host.stripe.requests.count({ path: new RegExp(product.id) })).toBe(0);
    await host.sync.replay({ eventId: id });
    await settled(host);
    expect(calls).toEqual([`news ${id}`]);
    return expect(await events()).toEqual([{ state: 'completed', reason: null }]);
  });

  it('knows what is too old', async () => {
    await send(host, create('coupon'), ago(100_000));
    await settled(host);
    expect(calls).toEqual([]);
    expect(await events()).toEqual([{ state: 'skipped', reason: 'too-old' }]);
  });
});

describe('promise 11, on the second boot', () => {
  it('a source begins where it began, not now', async () => {
    const first = await startHost({ ...quick, providers: [Shop], source: {} });
    try {
      await first.sql(`UPDATE sync_connection SET start_at = now() - interval '1 day'`);
      const second = await startHost({ ...quick, providers: [Shop], source: {}, beside: first });
      try {
        const product = second.stripe.create('product', {}, { delivery: 'unlogged' });
        calls = [];
        await first.app.close();
        await send(second, product, { id: 'evt_1', created: Math.floor(Date.now() / 1000) - 3_600 });
        await settled(second);
        expect(calls).toEqual(['news evt_1']);
      } finally {
        await second.close();
      }
    } finally {
      await first.stripe.close();
      await first.database.drop();
    }
  });
});
