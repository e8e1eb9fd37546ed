import { Injectable } from '@nestjs/common';
import { OnSyncChange, OnSyncEvent, SyncChange, SyncContext, SyncEvent } from 'nestjs-hybrid-sync';
import { startHost, until, type Host } from '../support/host.js';
import { itOn, NOBODY_ELSE_WRITES, SERVERS } from '../support/only-on.js';
import { dispatcherOf, Gate, quick, send, settled } from '../support/scenario.js';

let handled: string[] = [];
let play: (what: string) => unknown = () => undefined;
let tell: (id: string) => unknown = () => undefined;

async function handle(what: string) {
  await play(what);
  handled.push(what);
}

interface Linked {
  id: string;
  customer?: string | null;
  metadata: { parent?: string };
}

@Injectable()
class Shop {
  @OnSyncChange('stripe', 'customer', { requires: ({ metadata }: Linked) => [['product', metadata.parent]] })
  customer({ record }: SyncChange) {
    return handle(record.id);
  }

  @OnSyncChange('stripe', 'customer', { transaction: 'none' })
  async tell({ record }: SyncChange) {
    await tell(record.id);
  }

  @OnSyncChange('stripe', 'invoice', { requires: ({ customer }: Linked) => [['customer', customer]] })
  invoice({ record }: SyncChange) {
    return handle(record.id);
  }

  @OnSyncChange('stripe', 'product', { requires: ({ metadata }: Linked) => [['product', metadata.parent]] })
  product({ record }: SyncChange) {
    return handle(record.id);
  }

  @OnSyncEvent('stripe', 'coupon.*', {
    requires: ({ metadata }: Linked) => {
      if (metadata.parent === 'broken') throw new Error('cannot say');
      return [
        ['product', metadata.parent],
        ['nothing', 'x_1'],
        ['product', null],
      ];
    },
  })
  coupon(_event: SyncEvent, { record }: SyncContext) {
    return handle(record.id);
  }
}

describe('requires', () => {
  let host: Host;
  let other: Host;

  beforeAll(async () => {
    const source = { ...quick.source, maxAttempts: 3 };
    const sync = { ...quick.sync, missingConfirmMs: 30 };
    host = await startHost({ ...quick, providers: [Shop], source, sync });
    other = await startHost({ ...quick, providers: [Shop], source, sync, beside: host });
  });
  afterAll(async () => {
    await other?.close();
    await host?.close();
  });
  beforeEach(async () => {
    handled = [];
    play = tell = () => undefined;
    host.stripe.faults.clear();
    host.stripe.requests.clear();
    for (const table of ['event', 'record', 'mark']) await host.sql(`DELETE FROM sync_${table}`);
  });

  const product = (parent?: string) =>
    host.stripe.create('product', { metadata: parent ? { parent } : {} }, { delivery: 'unlogged' });
  const customer = (parent?: string) =>
    host.stripe.create('customer', { metadata: parent ? { parent } : {} }, { delivery: 'unlogged' });
  const invoice = (customer: string) => host.stripe.create('invoice', { customer }, { delivery: 'unlogged' });
  const coupon = (parent: string) =>
    host.stripe.create('coupon', { metadata: { parent } }, { delivery: 'unlogged' });
  const waiting = (reason: string) =>
    until(
      async () =>
        (await host.sql(`SELECT FROM sync_event WHERE state = 'waiting' AND wait_reason = $1`, [reason]))
          .length > 0,
    );
  const reads = (id: string) => host.stripe.requests.count({ path: new RegExp(`/${id}$`) });

  it('has a missing parent fetched and handled first, and its parents before it', async () => {
    const [top, middle] = [product(), customer(product().id)];
    host.stripe.update('customer', middle.id, { metadata: { parent: top.id } }, { delivery: 'unlogged' });
    const child = invoice(middle.id);
    await send(host, child);
    await settled(host);
    expect(handled).toEqual([top.id, middle.id, child.id]);
    expect(await host.sql(`SELECT resource FROM sync_event WHERE origin = 'parent' ORDER BY id`)).toEqual([
      { resource: 'customer' },
      { resource: 'product' },
    ]);
  });

  it('asks once: a parent that is there is left alone', async () => {
    const parent = customer();
    await send(host, parent);
    await settled(host);
    await send(host, invoice(parent.id));
    await settled(host);
    expect(reads(parent.id)).toBe(1);
    expect(await host.sql(`SELECT FROM sync_event WHERE origin = 'parent'`)).toEqual([]);
  });

  it('serves event handlers too; none, and a resource that nobody handles, stand for nothing', async () => {
    const parent = product();
    const child = coupon(parent.id);
    await send(host, child);
    await settled(host);
    expect(handled).toEqual([parent.id, child.id]);
  });

  it('that throws is a failed attempt of its handler', async () => {
    const id = await send(host, coupon('broken'));
    await settled(host);
    expect(await host.sql('SELECT state, error FROM sync_event WHERE event_id = $1', [id])).toEqual([
      { state: 'dead', error: 'Error: cannot say' },
    ]);
  });

  it('of each other blocks neither of two records, on two processes', async () => {
    const [a, b] = [product(), product()];
    host.stripe.update('product', a.id, { metadata: { parent: b.id } }, { delivery: 'unlogged' });
    host.stripe.update('product', b.id, { metadata: { parent: a.id } }, { delivery: 'unlogged' });
    // Both are in hand before either looks for its parent.
    const fetches = [a, b].map(({ id }) => host.stripe.hold({ path: `/v1/products/${id}` }, 'answer'));
    await send(host, a);
    await send(other, b);
    await Promise.all(fetches.map(({ reached }) => reached));
    fetches.forEach((fetch) => fetch.release());
    await settled(host);
    expect(handled.sort()).toEqual([a.id, b.id].sort());
  });

  it('of itself, or deeper than anyone needs, comes to its end', async () => {
    const self = product();
    host.stripe.update('product', self.id, { metadata: { parent: self.id } }, { delivery: 'unlogged' });
    await send(host, self);
    const chain = [product()];
    for (let i = 0; i < 6; i++) chain.unshift(product(chain[0]!.id));
    await send(host, chain[0]!);
    await settled(host);
    expect(handled).toHaveLength(8);
    const order = handled.filter((id) => id !== self.id);
    expect(order).toEqual(chain.map(({ id }) => id).reverse());
  });

  it('does not wait for ever for a parent that does not exist', async () => {
    const child = invoice('cus_never');
    await send(host, child);
    await settled(host);
    expect(handled).toEqual([child.id]);
    expect(
      await host.sql(`SELECT deleted_at IS NULL AS alive FROM sync_record WHERE record_id = 'cus_never'`),
    ).toEqual([{ alive: false }]);
  });

  it('nor for one whose fetch has given up', async () => {
    const parent = customer();
    host.stripe.faults.failNext({ match: { path: `/v1/customers/${parent.id}` }, status: 400, times: 50 });
    const child = invoice(parent.id);
    await send(host, child);
    await settled(host);
    expect(handled).toEqual([child.id]);
  });

  it('nor for one whose handler fails: its state is known', async () => {
    const parent = customer();
    play = (what) => {
      if (what === parent.id) throw new Error('not yet');
    };
    const child = invoice(parent.id);
    await send(host, child);
    await settled(host);
    expect(handled).toEqual([child.id]);
  });

  it('waits for one that another process has in hand, without holding anything', async () => {
    const parent = customer();
    const fetch = host.stripe.hold({ path: `/v1/customers/${parent.id}` }, 'answer');
    await send(other, parent);
    await fetch.reached;
    const child = invoice(parent.id);
    await send(host, child);
    await waiting('parent');
    const held = `SELECT FROM sync_record WHERE resource = 'invoice' AND lease_token IS NOT NULL`;
    await until(async () => (await host.sql(held)).length === 0);
    fetch.release();
    await settled(host);
    expect(handled).toEqual([parent.id, child.id]);
    expect(await host.sql(`SELECT DISTINCT attempts FROM sync_mark`)).toEqual([{ attempts: 0 }]);
  });

  it('waits for one whose handlers are still at it for the first time, and has nothing done for it', async () => {
    const [parent, gate] = [customer(), new Gate()];
    tell = () => gate.pass();
    await send(other, parent);
    await gate.reached;
    const child = invoice(parent.id);
    await send(host, child);
    await waiting('parent');
    expect(handled).toEqual([parent.id]);
    gate.release();
    await settled(host);
    expect(handled).toEqual([parent.id, child.id]);
    expect(reads(parent.id)).toBe(1);
  });

  it('does not read the child again and again while the parent cannot be read', async () => {
    const slow = await startHost({
      ...quick,
      providers: [Shop],
      source: { ...quick.source, backoffMs: () => 3_000 },
    });
    try {
      const child = slow.stripe.create('invoice', { customer: 'cus_1' }, { delivery: 'unlogged' });
      slow.stripe.faults.failNext({ match: { path: /customers/ }, status: 400, times: 50 });
      await send(slow, child);
      await until(
        async () =>
          (await slow.sql(`SELECT FROM sync_event WHERE available_at > now() + interval '2 s'`)).length === 2,
      );
    } finally {
      await slow.close();
    }
  });

  itOn(SERVERS, NOBODY_ELSE_WRITES)(
    'what comes for a parent while it is handled for its child is not lost',
    async () => {
      const [parent, gate] = [customer(), new Gate()];
      play = (what) => what === parent.id && gate.pass();
      const child = invoice(parent.id);
      await send(host, child);
      await gate.reached;
      host.stripe.update('customer', parent.id, { name: 'new' }, { delivery: 'unlogged' });
      await send(host, parent);
      gate.release();
      await dispatcherOf(host).idle();
      await settled(host);
      expect(handled).toEqual(expect.arrayContaining([parent.id, child.id, parent.id]));
      expect(reads(parent.id)).toBe(2);
    },
  );
});
