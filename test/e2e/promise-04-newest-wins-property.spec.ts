import { Injectable } from '@nestjs/common';
import fc from 'fast-check';
import { OnSyncChange, OnSyncEvent, SyncContext, SyncEvent } from 'nestjs-hybrid-sync';
import { Copy, copyOf, failing, mayFail } from '../support/copies.js';
import { startHost, until, type Host } from '../support/host.js';
import { Mishaps } from '../support/mishaps.js';
import { Effect, quick, write } from '../support/scenario.js';

@Injectable()
class Beside {
  @OnSyncChange('stripe', 'product', { name: 'beside' })
  beside() {
    mayFail();
  }

  @OnSyncEvent('stripe', '*', { name: 'count' })
  async count({ id }: SyncEvent, { manager }: SyncContext) {
    await write(manager, 'count', id);
    mayFail();
  }
}

const record = fc.record({ type: fc.constantFrom('product', 'customer'), at: fc.nat(2) });
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('update' as const), record, name: fc.string({ maxLength: 3 }) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('delete' as const), record }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('fail' as const), times: fc.integer({ min: 1, max: 4 }) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('expire' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('steal' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('kill' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('other process' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('rest' as const), ms: fc.nat(20) }) },
);

describe('promise 4, newest wins, whatever comes together', () => {
  let hosts: Host[];
  let mishaps: Mishaps;

  beforeAll(async () => {
    const source = { ...quick.source, maxAttempts: 1_000, backoffMs: () => 10 };
    const options = {
      ...quick,
      providers: [Beside],
      entities: [Effect, Copy],
      mirrors: [copyOf('product'), copyOf('customer')],
      source,
    };
    const host = await startHost(options);
    hosts = [host, await startHost({ ...options, beside: host })];
    mishaps = await Mishaps.of(host);
  });
  afterAll(async () => {
    await mishaps?.close();
    for (const host of hosts?.reverse() ?? []) await host.close();
  });

  it('the mirror is what Stripe has, and every event was handled once', async () => {
    const [host] = hosts as [Host];
    const { stripe } = host;
    const deadline = Date.now() + 10_000;
    const sql = (query: string) => host.sql(query).catch(() => undefined);
    let run = 0;
    const property = fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
      if (Date.now() > deadline) return;
      run += 1;
      failing.calls = 0;
      Object.assign(stripe.faults, { duplicateRate: 0.3, reorder: true, delayMs: [0, 30], slowMs: [0, 20] });
      let process = 0;
      for (const next of steps) {
        if (next.do === 'update' || next.do === 'delete') {
          const { type } = next.record;
          const id = `${type}_${run}_${next.record.at}`;
          const exists = stripe.get(type, id) !== null;
          if (next.do === 'delete' && exists) stripe.delete(type, id);
          if (next.do === 'update' && exists) stripe.update(type, id, { name: next.name });
          if (next.do === 'update' && !exists) stripe.create(type, { id, name: next.name });
        } else if (next.do === 'fail') failing.calls += next.times;
        else if (next.do === 'rest') await new Promise((resolve) => setTimeout(resolve, next.ms));
        else if (next.do === 'other process')
          stripe.deliverTo(`${hosts[(process = 1 - process)]!.url}/webhooks/stripe`);
        else await mishaps[next.do]().catch(() => undefined);
      }
      await stripe.flush();
      await until(
        async () => (await sql(`SELECT FROM sync_event WHERE state = 'waiting' LIMIT 1`))?.length === 0,
      );
      const stored = await host.dataSource.getRepository(Copy).find();
      const truth = ['customer', 'product'].flatMap((type) => stripe.all(type));
      expect(stored.map(({ stripeId, name }) => `${stripeId} ${name}`).sort()).toEqual(
        truth.map(({ id, name }) => `${id} ${name as string}`).sort(),
      );
      const counted = await host.dataSource.getRepository(Effect).find();
      const sent = stripe.all('event').map(({ id }) => id);
      expect(counted.map(({ subject }) => subject).sort()).toEqual(sent.sort());
    });
    await fc.assert(property, { numRuns: 20, endOnFailure: true });
  }, 60_000);
});
