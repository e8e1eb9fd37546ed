import { Injectable } from '@nestjs/common';
import { OnSyncChange, OnSyncEvent, SyncChange, SyncContext, SyncEvent } from 'nestjs-hybrid-sync';
import { startHost, until, type Host } from '../support/host.js';
import { Effect, effects, quick, send, settled, write } from '../support/scenario.js';

interface Product {
  name: string;
}

@Injectable()
class Shop {
  calls: string[] = [];
  seen: string[] = [];
  fail = (_handler: string): boolean => false;

  @OnSyncChange('stripe', 'product', { name: 'shelf' })
  shelf(change: SyncChange<Product>, context: SyncContext) {
    return this.handle('shelf', change, context);
  }

  @OnSyncChange('stripe', 'product', { name: 'index' })
  index(change: SyncChange<Product>, context: SyncContext) {
    return this.handle('index', change, context);
  }

  @OnSyncEvent('stripe', 'product.*', { name: 'news' })
  news({ payload }: SyncEvent<any>, { record }: SyncContext<Product>) {
    this.seen.push(`${payload.data.object.name} is ${record.data?.name ?? 'gone'}`);
  }

  private async handle(name: string, { kind, data, record }: SyncChange<Product>, { manager }: SyncContext) {
    this.calls.push(`${name} ${kind} ${data?.name ?? ''} v${record.version}`);
    await write(manager, name, data?.name ?? 'gone');
    if (this.fail(name)) throw new Error('not yet');
  }
}

describe('promise 4, newest wins', () => {
  let host: Host;
  let shop: Shop;

  beforeAll(async () => {
    host = await startHost({ ...quick, providers: [Shop] });
    shop = host.app.get(Shop);
  });
  afterAll(() => host?.close());
  beforeEach(async () => {
    Object.assign(shop, { calls: [], seen: [], fail: () => false });
    host.stripe.faults.clear();
    await host.dataSource.getRepository(Effect).clear();
    await host.sql('DELETE FROM sync_event');
    await host.sql('DELETE FROM sync_record');
    await host.sql('DELETE FROM sync_mark');
  });

  const product = (name: string) => host.stripe.create('product', { name }, { delivery: 'unlogged' });
  const record = async () =>
    (
      await host.sql<{ version: number; fingerprint: string | null }>(
        'SELECT version, fingerprint FROM sync_record',
      )
    )[0];

  it('a slow fetch does not have the last word: what came meanwhile is fetched again', async () => {
    const object = product('old');
    const slow = host.stripe.hold({ path: `/v1/products/${object.id}` }, 'answer');
    await send(host, object);
    await slow.reached;
    const newer = host.stripe.update('product', object.id, { name: 'new' }, { delivery: 'unlogged' });
    await send(host, newer);
    slow.release();
    await settled(host);
    expect(shop.calls.filter((call) => call.startsWith('shelf'))).toEqual([
      'shelf created old v1',
      'shelf updated new v2',
    ]);
    expect(host.stripe.requests.count({ path: `/v1/products/${object.id}` })).toBe(2);
  });

  it('nor does that of a worker which has lost its lease', async () => {
    const other = await startHost({ ...quick, providers: [Shop], beside: host });
    try {
      const object = product('old');
      const slow = host.stripe.hold({ path: `/v1/products/${object.id}` }, 'answer');
      await send(host, object);
      await slow.reached;
      host.stripe.update('product', object.id, { name: 'new' }, { delivery: 'unlogged' });
      await host.sql(`UPDATE sync_record SET lease_token = NULL, lease_until = NULL`);
      await settled(other);
      slow.release();
      await Promise.all([host.sync.idle(), other.sync.idle()]);
      expect((await effects(host)).sort()).toEqual(['index new', 'shelf new']);
      expect(await record()).toMatchObject({ version: 1 });
    } finally {
      await other.close();
    }
  });

  it('a payload is never believed: an old event shows the newest record, and changes nothing', async () => {
    const old = product('old');
    host.stripe.update('product', old.id, { name: 'new' }, { delivery: 'unlogged' });
    await send(host, { ...old, name: 'new' } as typeof old);
    await settled(host);
    await send(host, old);
    await settled(host);
    expect(shop.seen).toEqual(['new is new', 'old is new']);
    expect(await effects(host)).toEqual(['shelf new', 'index new']);
  });

  it('change handlers run first, so that the state is right before anyone acts on it', async () => {
    const order: string[] = [];
    shop.calls.push = shop.seen.push = (...items: string[]) => order.push(...items);
    await send(host, product('tea'));
    await settled(host);
    expect(order).toEqual(['shelf created tea v1', 'index created tea v1', 'tea is tea']);
  });

  it('the state is saved with the first handler, though the last one fails', async () => {
    shop.fail = (handler) => handler === 'index';
    await send(host, product('tea'));
    await until(() => shop.calls.filter((call) => call.startsWith('index')).length > 1);
    expect(await record()).toEqual({ version: 1, fingerprint: expect.any(String) });
    expect(await effects(host)).toEqual(['shelf tea']);
    shop.fail = () => false;
    await settled(host);
    expect(shop.calls.filter((call) => call.startsWith('shelf'))).toHaveLength(1);
    expect(await effects(host)).toEqual(['shelf tea', 'index tea']);
  });

  it('the state is saved though every handler fails', async () => {
    shop.fail = () => true;
    await send(host, product('tea'));
    await until(() => shop.calls.length >= 4);
    expect(await record()).toEqual({ version: 1, fingerprint: expect.any(String) });
    shop.fail = () => false;
    await settled(host);
  });

  it('a failed change handler does not hold event handlers back', async () => {
    shop.fail = () => true;
    await send(host, product('tea'));
    await until(() => shop.seen.length > 0);
    // In the same pass, and not when they have given up.
    expect(shop.calls.length).toBeLessThan(6);
    shop.fail = () => false;
    await settled(host);
    expect(shop.seen).toEqual(['tea is tea']);
  });

  it('a failed one is shown the newest when its turn comes, not what it failed with', async () => {
    const object = product('one');
    shop.fail = (handler) => handler === 'index';
    await send(host, object);
    await until(
      async () => (await host.sql('SELECT FROM sync_event WHERE wait_reason IS NOT NULL')).length > 0,
    );
    host.stripe.update('product', object.id, { name: 'two' }, { delivery: 'unlogged' });
    shop.fail = () => false;
    await settled(host);
    expect((await effects(host)).filter((effect) => effect.startsWith('index'))).toEqual(['index two']);
    expect(shop.calls.at(-1)).toMatch(/^index created two v2/);
  });

  it('change handlers run when the content has changed, and not otherwise', async () => {
    const object = product('tea');
    await send(host, object);
    await settled(host);
    await send(host, object);
    await settled(host);
    expect(shop.calls).toHaveLength(2);
    expect(shop.seen).toHaveLength(2);
    expect(await record()).toMatchObject({ version: 1 });
  });

  it('a fingerprint of another meaning is refreshed without a word', async () => {
    const object = product('tea');
    await send(host, object);
    await settled(host);
    const before = await record();
    await host.sql(`UPDATE sync_record SET fingerprint = 'of another release', fingerprint_revision = -1`);
    await send(host, object);
    await settled(host);
    expect(shop.calls).toHaveLength(2);
    expect(await record()).toEqual(before);
  });

  it('a handler that is new is shown a record at its next event, changed or not', async () => {
    const object = product('tea');
    await send(host, object);
    await settled(host);
    await host.sql(`DELETE FROM sync_mark WHERE handler = 'index'`);
    await host.sync.idle();
    expect(shop.calls).toHaveLength(2);
    await send(host, object);
    await settled(host);
    expect(shop.calls.slice(2)).toEqual(['index created tea v1']);
  });

  it('says what became of the record: created, updated, deleted, and created again', async () => {
    const object = product('tea');
    await send(host, object);
    await settled(host);
    host.stripe.update('product', object.id, { name: 'coffee' }, { delivery: 'unlogged' });
    await send(host, object);
    await settled(host);
    host.stripe.delete('product', object.id, { delivery: 'unlogged' });
    await send(host, object, { type: 'product.deleted' });
    await settled(host);
    host.stripe.create('product', { id: object.id, name: 'cake' }, { delivery: 'unlogged' });
    await send(host, object);
    await settled(host);
    expect(shop.calls.filter((call) => call.startsWith('shelf'))).toEqual([
      'shelf created tea v1',
      'shelf updated coffee v2',
      'shelf deleted  v3',
      'shelf created cake v4',
    ]);
  });
});
