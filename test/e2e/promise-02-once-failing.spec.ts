import { Injectable } from '@nestjs/common';
import {
  OnSyncAlarm,
  OnSyncChange,
  OnSyncEvent,
  RetryLaterError,
  SyncAlarm,
  SyncChange,
  SyncContext,
  SyncEvent,
  UnrecoverableError,
} from 'nestjs-hybrid-sync';
import { startHost, until, type Host } from '../support/host.js';
import { crash, Effect, effects, Gate, lose, quick, send, settled, write } from '../support/scenario.js';

interface Call {
  handler: string;
  attempt: number;
  key: string;
}

@Injectable()
class Billing {
  calls: Call[] = [];
  alarms: SyncAlarm[] = [];
  play: (context: SyncContext, call: number) => unknown = () => undefined;

  @OnSyncEvent('stripe', 'customer.*', { name: 'book' })
  book(event: SyncEvent, context: SyncContext) {
    return this.handle('book', context, event.id!);
  }

  @OnSyncEvent('stripe', 'customer.updated', { name: 'mail' })
  mail(_event: SyncEvent, context: SyncContext) {
    this.calls.push({ handler: 'mail', attempt: context.attempt, key: context.idempotencyKey });
  }

  @OnSyncChange('stripe', 'product', { name: 'shelf' })
  shelf({ record }: SyncChange, context: SyncContext) {
    return this.handle('shelf', context, `v${record.version}`);
  }

  @OnSyncAlarm()
  alarm(alarm: SyncAlarm) {
    this.alarms.push(alarm);
  }

  private async handle(handler: string, context: SyncContext, subject: string) {
    this.calls.push({ handler, attempt: context.attempt, key: context.idempotencyKey });
    await write(context.manager, handler, subject);
    await this.play(context, this.of(handler).length);
  }

  of(handler: string): Call[] {
    return this.calls.filter((call) => call.handler === handler);
  }
}

describe('promise 2, once, whatever a handler throws', () => {
  let host: Host;
  let billing: Billing;

  beforeAll(async () => {
    host = await startHost({ ...quick, providers: [Billing], source: { ...quick.source, maxAttempts: 4 } });
    billing = host.app.get(Billing);
  });
  afterAll(() => host?.close());
  beforeEach(async () => {
    Object.assign(billing, { calls: [], alarms: [], play: () => undefined });
    await host.dataSource.getRepository(Effect).clear();
    await host.sql('DELETE FROM sync_event');
  });

  const customer = () => host.stripe.create('customer', {}, { delivery: 'unlogged' });
  const events = () => host.sql('SELECT state, dead_by, error FROM sync_event ORDER BY id');

  it('is tried as often as the source says, and then dead, with an alarm', async () => {
    billing.play = () => {
      throw new TypeError('no such account');
    };
    const id = await send(host, customer());
    await settled(host);
    expect(billing.of('book').map(({ attempt }) => attempt)).toEqual([1, 2, 3, 4]);
    expect(await events()).toEqual([
      { state: 'dead', dead_by: '["book"]', error: 'TypeError: no such account' },
    ]);
    await until(() => billing.alarms.length > 0);
    expect(billing.alarms).toMatchObject([{ kind: 'dead', eventIds: [expect.any(String)] }]);
    expect(await effects(host)).toEqual([]);
    expect(await host.sync.explain(id)).toContain('book gave up');
  });

  it('UnrecoverableError is dead at once', async () => {
    billing.play = () => {
      throw new UnrecoverableError('the customer has left');
    };
    await send(host, customer());
    await settled(host);
    expect(billing.of('book')).toHaveLength(1);
    expect(billing.of('mail')).toHaveLength(1);
    expect(await events()).toMatchObject([{ state: 'dead', dead_by: '["book"]' }]);
  });

  it.each([5, 0])('RetryLaterError({ afterMs: %s }) uses no attempt', async (afterMs) => {
    billing.play = (_context, call) => {
      if (call < 8) throw new RetryLaterError({ afterMs });
    };
    const id = await send(host, customer());
    await settled(host);
    expect(billing.of('book').map(({ attempt }) => attempt)).toEqual(Array(8).fill(1));
    expect(await effects(host)).toEqual([`book ${id}`]);
  });

  it('RetryLaterError lets go of the record between the attempts, even if it asks for no pause', async () => {
    billing.play = (_context, call) => {
      if (call < 4) throw new RetryLaterError({ afterMs: 0 });
    };
    const product = host.stripe.create('product', {}, { delivery: 'unlogged' });
    await send(host, product);
    await settled(host);
    // Each attempt is a pass of its own, with a read of its own.
    expect(host.stripe.requests.count({ path: `/v1/products/${product.id}` })).toBe(4);
  });

  it('a conflict in the database uses no attempt', async () => {
    billing.play = ({ manager }, call) => call < 8 && lose(manager);
    const id = await send(host, customer());
    await settled(host);
    expect(billing.of('book').map(({ attempt }) => attempt)).toEqual(Array(8).fill(1));
    expect(await effects(host)).toEqual([`book ${id}`]);
  });

  it('but not for ever', async () => {
    billing.play = ({ manager }) => lose(manager);
    await send(host, customer());
    await settled(host);
    expect(billing.of('book')).toHaveLength(20 + 4);
    expect(await events()).toMatchObject([{ state: 'dead', dead_by: '["book"]' }]);
  });

  it('an event’s key is the same on every attempt, another for each handler and event, and for a replay of all', async () => {
    billing.play = (_context, call) => {
      if (call < 3) throw new Error('not yet');
    };
    const id = await send(host, customer());
    await settled(host);
    const first = billing.of('book');
    expect(new Set(first.map(({ key }) => key)).size).toBe(1);

    await send(host, customer());
    await settled(host);
    await host.sync.replay({ eventId: id });
    await settled(host);
    expect(billing.of('book')).toHaveLength(4);
    await host.sync.replay({ eventId: id }, { handlers: 'all' });
    await settled(host);
    const keys = billing.calls.map(({ key }) => key);
    // Each of two handlers with each of two events, and again for one of them.
    expect(new Set(keys).size).toBe(6);
    keys.forEach((key) =>
      expect(key).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/),
    );
  });

  it('a change’s key is the same on every attempt at one version, and another for each version, even of old content', async () => {
    billing.play = ({ attempt }) => {
      if (attempt < 2) throw new Error('not yet');
    };
    const product = host.stripe.create('product', { name: 'a' }, { delivery: 'unlogged' });
    for (const name of ['a', 'b', 'a']) {
      host.stripe.update('product', product.id, { name }, { delivery: 'unlogged' });
      await send(host, product);
      await settled(host);
    }
    const keys = billing.of('shelf').map(({ key }) => key);
    expect(keys).toEqual([keys[0], keys[0], keys[2], keys[2], keys[4], keys[4]]);
    expect(new Set(keys).size).toBe(3);
    expect(await effects(host)).toEqual(['shelf v1', 'shelf v2', 'shelf v3']);
  });

  it('a change whose worker did not come back has a new key if it is another by then, though the version is the same', async () => {
    const product = host.stripe.create('product', { name: 'a' }, { delivery: 'unlogged' });
    const gate = new Gate();
    billing.play = (_context, call) => call === 1 && gate.pass();
    await send(host, product);
    await gate.reached;
    host.stripe.update('product', product.id, { name: 'b' }, { delivery: 'unlogged' });
    await crash(host, product.id);
    gate.release();
    await settled(host);
    expect(await effects(host)).toEqual(['shelf v1']);
    expect(new Set(billing.of('shelf').map(({ key }) => key)).size).toBe(2);
  });

  it('a change that is read anew between two attempts has a new key: its parameters are new', async () => {
    const product = host.stripe.create('product', { name: 'a' }, { delivery: 'unlogged' });
    billing.play = (_context, call) => {
      if (call > 1) return;
      host.stripe.update('product', product.id, { name: 'b' }, { delivery: 'unlogged' });
      throw new Error('not yet');
    };
    await send(host, product);
    await settled(host);
    const keys = billing.of('shelf').map(({ key }) => key);
    expect(new Set(keys).size).toBe(2);
    expect(await effects(host)).toEqual(['shelf v2']);
  });
});
