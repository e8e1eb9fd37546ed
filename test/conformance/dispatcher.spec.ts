import { Injectable } from '@nestjs/common';
import { OnSyncChange, OnSyncEvent, SyncChange, SyncContext, SyncEvent } from 'nestjs-hybrid-sync';
import { startHost, until, type Host, type HostOptions } from '../support/host.js';
import { queueOf, type QueueLibrary } from '../support/redis.js';
import { Effect, effects, Gate, quick, send, settled, store, write } from '../support/scenario.js';

let gate: Gate | undefined;

@Injectable()
class Crm {
  @OnSyncEvent('stripe', 'customer.*')
  async event(event: SyncEvent, { manager, record }: SyncContext) {
    if (record.id === 'cus_held') await gate?.pass();
    await write(manager, 'event', event.id);
  }

  @OnSyncChange('stripe', 'customer')
  async change({ record }: SyncChange, { manager }: SyncContext) {
    await write(manager, 'change', record.id);
  }
}

/** Sweeps so rarely that it is the dispatcher who must have carried what is handled. */
const rung: HostOptions = {
  ...quick,
  providers: [Crm],
  sync: { sweepEveryMs: 1_000_000_000 },
};

/** What any dispatcher has to do, whatever it carries keys with. */
describe.each<[string, QueueLibrary | undefined]>([
  ['in process', undefined],
  ['with Bull', 'bull'],
  ['with BullMQ', 'bullmq'],
])('a dispatcher %s', (_, library) => {
  let host: Host;
  const others: Host[] = [];
  let queue: HostOptions['queue'];

  beforeEach(() => {
    gate = undefined;
    queue = library && queueOf(library);
  });
  afterEach(async () => {
    gate?.release();
    for (const other of others.splice(0)) await other.close();
    await host.close();
  });

  async function start(options: HostOptions = {}): Promise<Host> {
    host = await startHost({ ...rung, queue, ...options });
    return host;
  }

  async function besides(options: HostOptions = {}): Promise<Host> {
    const other = await startHost({ ...rung, queue, ...options, beside: host });
    others.push(other);
    return other;
  }

  function customer(id: string) {
    return host.stripe.create('customer', { id }, { delivery: 'lost' });
  }

  it('carries what is stored to a handler, once', async () => {
    await start();
    const id = await send(host, customer('cus_1'));
    await settled(host);
    expect(await effects(host)).toEqual(['change cus_1', `event ${id}`]);
  });

  it('loses nothing of a burst, and fetches each record a few times at most', async () => {
    await start();
    const customers = Array.from({ length: 20 }, (_, i) => customer(`cus_${i}`));
    const ids = await Promise.all(
      Array.from({ length: 400 }, (_, i) => send(host, customers[i % customers.length]!)),
    );
    await settled(host);
    const events = (await effects(host)).filter((effect) => effect.startsWith('event'));
    expect(events.sort()).toEqual(ids.map((id) => `event ${id}`).sort());
  });

  it('does not lose a key that comes while its record is at work', async () => {
    await start();
    gate = new Gate();
    const held = customer('cus_held');
    const first = await send(host, held);
    await gate.reached;
    const second = await send(host, held);
    gate.release();
    await settled(host);
    expect((await effects(host)).filter((effect) => effect.startsWith('event'))).toEqual([
      `event ${first}`,
      `event ${second}`,
    ]);
  });

  it('comes back by itself to what was put off, and to what a sweep finds', async () => {
    await start();
    const id = await send(host, customer('cus_1'));
    await settled(host);
    await store(host, id, { count: 3 });
    await host.sync.idle();
    await settled(host);
    expect(await host.count(Effect)).toBe(5);
  });

  it('keeps one poison record from its neighbours', async () => {
    gate = new Gate();
    await start();
    await send(host, customer('cus_held'));
    await gate.reached;
    const others = await Promise.all([1, 2, 3].map((i) => send(host, customer(`cus_${i}`))));
    await until(async () => {
      const done = await effects(host);
      return others.every((id) => done.includes(`event ${id}`));
    });
  });

  it('takes nothing on when it stops, and leaves what it has not begun to the next process', async () => {
    await start();
    const stopping = await besides();
    await stopping.close();
    others.splice(others.indexOf(stopping), 1);
    const id = await send(host, customer('cus_1'));
    await until(async () => (await effects(host)).includes(`event ${id}`));
  });
});
