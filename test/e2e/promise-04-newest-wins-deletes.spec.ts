import { Injectable } from '@nestjs/common';
import { OnSyncAlarm, OnSyncChange, OnSyncEvent, SyncAlarm, SyncChange, SyncEvent } from 'nestjs-hybrid-sync';
import { SweepScheduler } from '../../lib/dispatch/sweep.scheduler.js';
import { databaseKind } from '../support/database.js';
import { startHost, until, type Host } from '../support/host.js';
import { quick, send, settled } from '../support/scenario.js';
import { createTrigger, dropTrigger } from '../support/trigger.js';

const MISSING_CONFIRM_MS = 150;

@Injectable()
class Shop {
  changes: string[] = [];
  events: string[] = [];
  alarms: SyncAlarm[] = [];
  failures = 0;

  @OnSyncChange('stripe', 'product')
  shelf({ kind, data }: SyncChange<{ name: string }>) {
    this.change(kind, data?.name);
  }

  @OnSyncChange('stripe', 'customer')
  contact({ kind, data }: SyncChange<{ name: string }>) {
    this.change(kind, data?.name);
  }

  @OnSyncChange('stripe', 'subscription')
  seat({ kind, data }: SyncChange<{ status: string }>) {
    this.change(kind, data?.status);
  }

  @OnSyncEvent('stripe', '*')
  event(event: SyncEvent) {
    this.events.push(event.type);
  }

  @OnSyncAlarm()
  alarm(alarm: SyncAlarm) {
    this.alarms.push(alarm);
  }

  private change(kind: string, what?: string) {
    if (this.failures-- > 0) throw new Error('not yet');
    this.changes.push(what === undefined ? kind : `${kind} ${what}`);
  }
}

describe('promise 4, newest wins, when records go', () => {
  let host: Host;
  let shop: Shop;
  const sync = { ...quick.sync, missingConfirmMs: MISSING_CONFIRM_MS };

  beforeAll(async () => {
    host = await startHost({ ...quick, providers: [Shop], sync });
    shop = host.app.get(Shop);
  });
  afterAll(() => host?.close());
  beforeEach(async () => {
    Object.assign(shop, { changes: [], events: [], alarms: [], failures: 0 });
    host.stripe.faults.clear();
    for (const table of ['event', 'record', 'mark']) await host.sql(`DELETE FROM sync_${table}`);
    host.stripe.requests.clear();
  });

  const create = (type: string, name = 'tea') => host.stripe.create(type, { name }, { delivery: 'unlogged' });
  const remove = (type: string, id: string) => host.stripe.delete(type, id, { delivery: 'unlogged' });
  const reasons = () => host.sql<{ wait_reason: string }>('SELECT wait_reason FROM sync_event');

  it.each(['product', 'customer'])('an announced deletion of a %s is believed at once', async (type) => {
    const object = create(type);
    await send(host, object);
    await settled(host);
    remove(type, object.id);
    await send(host, object, { type: `${type}.deleted` });
    await settled(host);
    expect(shop.changes).toEqual(['created tea', 'deleted']);
    expect(host.stripe.requests.length).toBe(2);
  });

  it('what Stripe itself calls deleted is, whatever the event says', async () => {
    const object = create('customer');
    await send(host, object);
    await settled(host);
    remove('customer', object.id);
    await send(host, object);
    await settled(host);
    expect(shop.changes).toEqual(['created tea', 'deleted']);
    expect(host.stripe.requests.length).toBe(2);
  });

  it('a deletion that can still be read is none: a canceled subscription', async () => {
    const price = host.stripe.create('price', {}, { delivery: 'unlogged' });
    const customer = create('customer');
    const object = host.stripe.create(
      'subscription',
      { customer: customer.id, items: [{ price: price.id }] },
      { delivery: 'unlogged' },
    );
    host.stripe.cancelSubscription(object.id, { delivery: 'unlogged' } as never);
    await send(host, object, { type: 'customer.subscription.deleted' });
    await settled(host);
    expect(shop.changes).toEqual(['created canceled']);
  });

  it('a read that lags behind its trigger makes no tombstone', async () => {
    const object = create('product');
    // Not there yet; the second read is.
    host.stripe.faults.staleReads = 1;
    await send(host, object, { type: 'product.created' });
    await settled(host);
    expect(shop.changes).toEqual(['created tea']);
    expect(await host.sql('SELECT missing_reads, deleted_at FROM sync_record')).toEqual([
      { missing_reads: 0, deleted_at: null },
    ]);
  });

  it('"not found" without a word of deletion is believed after three reads over a while, and runs nobody before', async () => {
    const object = create('product');
    await send(host, object);
    await settled(host);
    remove('product', object.id);
    host.stripe.requests.clear();
    await send(host, object);
    await until(async () => (await reasons())[1]?.wait_reason === 'missing-confirm');
    expect(shop.changes).toEqual(['created tea']);
    await settled(host);
    expect(shop.changes).toEqual(['created tea', 'deleted']);
    const reads = host.stripe.requests.all();
    expect(reads.length).toBeGreaterThanOrEqual(3);
    expect(reads.at(-1)!.at.getTime() - reads[0]!.at.getTime()).toBeGreaterThanOrEqual(
      MISSING_CONFIRM_MS - 5,
    );
    expect(shop.events).toHaveLength(2);
  });

  it('"not found" in between is forgotten when the record is found again', async () => {
    const object = create('product');
    host.stripe.faults.staleReads = 2;
    await send(host, object);
    await settled(host);
    host.stripe.faults.staleReads = 2;
    await send(host, object);
    await settled(host);
    expect(shop.changes).toEqual(['created tea']);
  });

  it('a late webhook does not bring a deleted record back', async () => {
    const object = create('product');
    await send(host, object);
    remove('product', object.id);
    await send(host, object, { type: 'product.deleted' });
    await settled(host);
    const before = [...shop.changes];
    await send(host, object);
    await settled(host);
    expect(shop.changes).toEqual(before);
    expect(shop.events).toHaveLength(3);
    expect(await host.sql('SELECT FROM sync_record WHERE deleted_at IS NULL')).toEqual([]);
  });

  it('only reading it alive does', async () => {
    const object = create('product');
    await send(host, object);
    await settled(host);
    remove('product', object.id);
    await send(host, object, { type: 'product.deleted' });
    await settled(host);
    host.stripe.create('product', { id: object.id, name: 'cake' }, { delivery: 'unlogged' });
    await send(host, object);
    await settled(host);
    expect(shop.changes).toEqual(['created tea', 'deleted', 'created cake']);
  });

  it('of a record that was never saved, change handlers hear nothing, event handlers do', async () => {
    const object = create('product');
    remove('product', object.id);
    await send(host, object, { type: 'product.created' });
    await send(host, object, { type: 'product.deleted' });
    await settled(host);
    expect(shop.changes).toEqual([]);
    expect(shop.events).toEqual(['product.created', 'product.deleted']);
    expect(await host.sql(`SELECT DISTINCT state FROM sync_event`)).toEqual([{ state: 'completed' }]);
  });

  it('a handler that never succeeded with it hears nothing of its end', async () => {
    const object = create('product');
    shop.failures = 1;
    await send(host, object);
    await until(() => shop.failures === 0);
    remove('product', object.id);
    await send(host, object, { type: 'product.deleted' });
    await settled(host);
    expect(shop.changes.filter((change) => change === 'deleted').length).toBe(
      shop.changes.filter((change) => change.startsWith('created')).length,
    );
  });

  it('too many unannounced deletions are not believed, by however many processes: they wait, with an alarm', async () => {
    const other = await startHost({ ...quick, providers: [Shop], sync, beside: host });
    // Slow enough for two of them to be under way at the same time.
    if (databaseKind !== 'sqlite')
      await createTrigger(host, {
        name: 'dawdle',
        at: 'BEFORE UPDATE ON sync_record',
        when: 'OLD.deleted_at IS NULL AND NEW.deleted_at IS NOT NULL',
        run: databaseKind === 'mysql' ? 'DO SLEEP(0.01)' : 'PERFORM pg_sleep(0.01)',
      });
    try {
      const objects = Array.from({ length: 26 }, () => create('product'));
      for (const object of objects) await send(host, object);
      await settled(host);
      // As with the key of another account. Two reads have not found them: the next decides.
      await host.sql(`UPDATE sync_record SET missing_reads = 2, missing_since = now() - interval '1 h'`);
      for (const { id } of objects) remove('product', id);
      const announced = objects.pop()!;
      // One alone first: in pairs they would come to an even number, lock or no lock.
      await send(host, objects.shift()!);
      await settled(host);
      for (const [i, object] of objects.entries()) await send(i % 2 ? host : other, object);
      const held = `SELECT FROM sync_event WHERE state = 'waiting' AND wait_reason = 'delete-cap'`;
      await until(async () => (await host.sql(held)).length === 5);
      const shops = [shop, other.app.get(Shop)];
      const deleted = () => shops.flatMap(({ changes }) => changes.filter((change) => change === 'deleted'));
      expect(deleted()).toHaveLength(20);

      // Whenever the minute is over, and not with each of the records.
      for (const each of [host, other]) {
        const { alarms } = each.app.get(Shop);
        alarms.length = 0;
        await each.app.get(SweepScheduler, { strict: false }).reportHeldBack();
        await until(() => alarms.length > 0);
        expect(alarms).toEqual([
          {
            kind: 'delete-cap',
            source: 'stripe',
            connectionId: 'default',
            message: expect.stringContaining('5 record(s) wait'),
            eventIds: [expect.any(String)],
          },
        ]);
      }

      await send(host, announced, { type: 'product.deleted' });
      await until(() => deleted().length === 21);
    } finally {
      if (databaseKind !== 'sqlite') await dropTrigger(host, 'dawdle');
      await other.close();
    }
  });
});
