import { Injectable } from '@nestjs/common';
import {
  OnSyncChange,
  OnSyncEvent,
  RetryLaterError,
  SyncChange,
  SyncContext,
  SyncEvent,
} from 'nestjs-hybrid-sync';
import { startHost, until, type Host } from '../support/host.js';
import { Effect, effects, quick, send, settled, write } from '../support/scenario.js';

@Injectable()
class Billing {
  calls: string[] = [];
  /** What a handler does after it has written. */
  play: Record<string, (event: SyncEvent, context: SyncContext) => unknown> = {};

  @OnSyncEvent('stripe', 'customer.*', { name: 'book' })
  book(event: SyncEvent, context: SyncContext) {
    return this.handle('book', event, context);
  }

  @OnSyncEvent('stripe', 'customer.*', { name: 'mail' })
  mail(event: SyncEvent, context: SyncContext) {
    return this.handle('mail', event, context);
  }

  @OnSyncChange('stripe', 'product', { name: 'shelf' })
  async shelf(change: SyncChange, context: SyncContext) {
    this.calls.push(`shelf #${context.attempt}`);
    await write(context.manager, 'shelf', `v${change.record.version}`);
  }

  private async handle(name: string, event: SyncEvent, context: SyncContext) {
    this.calls.push(`${name} #${context.attempt}`);
    await write(context.manager, name, event.id);
    await this.play[name]?.(event, context);
  }
}

describe('promise 2, once', () => {
  let host: Host;
  let billing: Billing;

  beforeAll(async () => {
    host = await startHost({ ...quick, providers: [Billing] });
    billing = host.app.get(Billing);
  });
  afterAll(() => host?.close());

  beforeEach(async () => {
    billing.calls = [];
    billing.play = {};
    await host.dataSource.getRepository(Effect).clear();
    await host.sql('DELETE FROM sync_event');
  });

  describe('a redelivered event enters once', () => {
    const rows = () =>
      host.sql<{ event_id: string; state: string }>('SELECT event_id, state FROM sync_event');

    it('one after the other, and while it still waits', async () => {
      const customer = host.stripe.create('customer', {}, { delivery: 'unlogged' });
      const id = await send(host, customer);
      await send(host, customer, { id });
      await host.sync.idle();
      await send(host, customer, { id });
      await host.sync.idle();
      expect(await rows()).toEqual([{ event_id: id, state: 'completed' }]);
      expect(await effects(host)).toEqual([`book ${id}`, `mail ${id}`]);
    });

    it('fifty at once, to two processes', async () => {
      const other = await startHost({ ...quick, providers: [Billing], beside: host });
      try {
        const customer = host.stripe.create('customer', {}, { delivery: 'unlogged' });
        const id = 'evt_fifty';
        await Promise.all(Array.from({ length: 50 }, (_, i) => send(i % 2 ? host : other, customer, { id })));
        await settled(host);
        await Promise.all([host.sync.idle(), other.sync.idle()]);
        expect(await rows()).toEqual([{ event_id: id, state: 'completed' }]);
        expect((await effects(host)).sort()).toEqual([`book ${id}`, `mail ${id}`]);
      } finally {
        await other.close();
      }
    });

    it('days later', async () => {
      const customer = host.stripe.create('customer');
      await host.stripe.flush();
      await host.sync.idle();
      await host.sql(`UPDATE sync_event SET received_at = received_at - interval '9 days',
        settled_at = settled_at - interval '9 days'`);
      await host.sql(`UPDATE sync_record SET saved_at = saved_at - interval '9 days'`);
      host.stripe.resend(host.stripe.all('event').at(-1)!.id);
      await host.stripe.flush();
      await host.sync.idle();
      expect(await rows()).toHaveLength(1);
      expect(await effects(host)).toHaveLength(2);
      expect(customer.id).toBeDefined();
    });

    it('of two events with one id about different records, both', async () => {
      const [a, b] = [
        host.stripe.create('customer', {}, { delivery: 'unlogged' }),
        host.stripe.create('customer', {}, { delivery: 'unlogged' }),
      ];
      await send(host, a, { id: 'evt_shared' });
      await send(host, b, { id: 'evt_shared' });
      await host.sync.idle();
      expect(await rows()).toHaveLength(2);
    });
  });

  it('a handler that throws after its write is tried again: its write is there once', async () => {
    billing.play.book = (_event, { attempt }) => {
      if (attempt < 3) throw new Error('the mail server is away');
    };
    const customer = host.stripe.create('customer', {}, { delivery: 'unlogged' });
    const id = await send(host, customer);
    await settled(host);
    expect(billing.calls.filter((call) => call.startsWith('book'))).toEqual([
      'book #1',
      'book #2',
      'book #3',
    ]);
    expect((await effects(host)).sort()).toEqual([`book ${id}`, `mail ${id}`]);
  });

  it('each handler has a mark of its own: what one has done is not done again for another', async () => {
    billing.play.mail = (_event, { attempt }) => {
      if (attempt < 3) throw new Error('not yet');
    };
    const customer = host.stripe.create('customer', {}, { delivery: 'unlogged' });
    const id = await send(host, customer);
    await settled(host);
    expect(billing.calls).toEqual(['book #1', 'mail #1', 'mail #2', 'mail #3']);
    expect(await effects(host)).toEqual([`book ${id}`, `mail ${id}`]);
    // Marks of events live only as long as somebody has still to be done with them.
    expect(await host.sql('SELECT FROM sync_mark WHERE event_id <> 0')).toEqual([]);
    expect(await host.sql('SELECT succeeded_by FROM sync_event')).toEqual([
      { succeeded_by: '["book","mail"]' },
    ]);
  });

  it('two processes that find the same event due run its handlers once', async () => {
    const other = await startHost({ ...quick, providers: [Billing], beside: host });
    try {
      const customers = Array.from({ length: 20 }, () =>
        host.stripe.create('customer', {}, { delivery: 'unlogged' }),
      );
      const ids = await Promise.all(customers.map((customer) => send(host, customer)));
      await Promise.all([other.sync.idle(), host.sync.idle()]);
      expect((await effects(host)).sort()).toEqual(ids.flatMap((id) => [`book ${id}`, `mail ${id}`]).sort());
    } finally {
      await other.close();
    }
  });

  it('a change handler is called once for each version, whatever number of events', async () => {
    const product = host.stripe.create('product', { name: 'tea' }, { delivery: 'unlogged' });
    await send(host, product);
    await host.sync.idle();
    await send(host, product);
    await host.sync.idle();
    host.stripe.update('product', product.id, { name: 'green tea' }, { delivery: 'unlogged' });
    await send(host, product);
    await host.sync.idle();
    expect(await effects(host)).toEqual(['shelf v1', 'shelf v2']);
  });

  it('an event is settled by the pass that finds it done already', async () => {
    // As a process leaves it that ends between the last handler and the last word.
    const customer = host.stripe.create('customer', {}, { delivery: 'unlogged' });
    billing.play.mail = () => {
      throw new RetryLaterError({ afterMs: 60_000 });
    };
    const id = await send(host, customer);
    await until(
      async () => (await host.sql('SELECT FROM sync_event WHERE wait_reason IS NOT NULL')).length === 1,
    );
    await host.sql(`UPDATE sync_mark SET state = 'done', due_at = NULL WHERE event_id <> 0`);
    await host.sql('UPDATE sync_event SET available_at = now()');
    await settled(host);
    expect(await host.sql('SELECT event_id, state, succeeded_by FROM sync_event')).toEqual([
      { event_id: id, state: 'completed', succeeded_by: '["book","mail"]' },
    ]);
    expect(await effects(host)).toEqual([`book ${id}`]);
  });
});
