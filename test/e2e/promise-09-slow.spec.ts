import { Injectable } from '@nestjs/common';
import { OnSyncEvent, SyncContext, SyncEvent } from 'nestjs-hybrid-sync';
import { startHost, type Host } from '../support/host.js';
import { crash, Effect, effects, Gate, quick, send, settled, write } from '../support/scenario.js';

const recordPath = { method: 'GET', path: /^\/v1\/customers\// };

/** More than workers may die of one record. */
const TIMES = 8;

@Injectable()
class Billing {
  /** Where a worker dies: in the handler of an event, once. */
  readonly deaths = new Map<string, Gate>();

  @OnSyncEvent('stripe', 'customer.*')
  async book(event: SyncEvent, { manager }: SyncContext) {
    await write(manager, 'book', event.id);
    const death = this.deaths.get(event.id!);
    this.deaths.delete(event.id!);
    await death?.pass();
  }
}

describe('promise 9, workers that are slow', () => {
  let host: Host;
  afterEach(() => host.close());

  it('are not taken for workers that have died of a record, however often they lose their lease of it', async () => {
    host = await startHost({ ...quick, providers: [Billing], entities: [Effect] });
    let fetch = host.stripe.hold(recordPath);
    const id = await send(host, host.stripe.create('customer', {}, { delivery: 'unlogged' }));
    for (let time = 1; time <= TIMES; time += 1) {
      await fetch.reached;
      await host.sql('UPDATE sync_record SET lease_token = NULL, lease_until = NULL');
      const next = time < TIMES ? host.stripe.hold(recordPath) : fetch;
      fetch.release();
      fetch = next;
    }
    await settled(host);
    expect(await host.sql('SELECT event_id, state FROM sync_event')).toEqual([
      { event_id: id, state: 'completed' },
    ]);
    expect(await effects(host)).toEqual([`book ${id}`]);
  });

  it('may die in each pass over a record with many events, as long as each gets past one of them', async () => {
    host = await startHost({ ...quick, providers: [Billing], entities: [Effect] });
    const { deaths } = host.app.get(Billing);
    const customer = host.stripe.create('customer', {}, { delivery: 'unlogged' });
    await host.sync.pause({ source: 'stripe' });
    const ids: string[] = [];
    for (let n = 0; n <= TIMES; n += 1) ids.push(await send(host, customer, { created: 1_700_000_000 + n }));
    // The first one is handled by the first pass, which dies of the second, and so on.
    const gates = ids.slice(1).map((id) => deaths.set(id, new Gate()).get(id)!);
    await host.sync.resume({ source: 'stripe' });
    for (const gate of gates) {
      await gate.reached;
      await crash(host, customer.id);
      gate.release();
    }
    await settled(host);
    expect(await host.sql('SELECT DISTINCT state FROM sync_event')).toEqual([{ state: 'completed' }]);
    expect(await effects(host)).toEqual(ids.map((id) => `book ${id}`));
  });
});
