import { Injectable } from '@nestjs/common';
import fc from 'fast-check';
import { OnSyncEvent, SyncContext, SyncEvent } from 'nestjs-hybrid-sync';
import { Copy, copyOf, mayFail } from '../support/copies.js';
import { HAPPENINGS, happening } from '../support/happenings.js';
import { stripeParty } from '../support/parties.js';
import { Effect, quick, write } from '../support/scenario.js';
import { patient, World } from '../support/world.js';

/** `CONVERGENCE_RUNS=300 CONVERGENCE_SEED=<of a failure> npm test -- convergence` */
const RUNS = Number(process.env.CONVERGENCE_RUNS ?? 12);
const SEED = Number(process.env.CONVERGENCE_SEED ?? Date.now() & 0x7fffffff);

/** Calls of an event handler, as they are kept. */
@Injectable()
class Count {
  @OnSyncEvent('stripe', ['product.*', 'customer.*'], { name: 'count' })
  async count({ id }: SyncEvent, { manager }: SyncContext) {
    await write(manager, 'count', id);
    mayFail();
  }
}

const TYPES = ['product', 'customer'] as const;
const record = fc.record({ type: fc.constantFrom(...TYPES), at: fc.nat(2) });

/** What happens at the provider, on the way, and to this application. */
const step = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      do: fc.constant('change' as const),
      record,
      name: fc.string({ maxLength: 3 }),
      remove: fc.nat(3).map((n) => n === 0),
      lost: fc.nat(3).map((n) => n === 0),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('stale' as const), reads: fc.integer({ min: 1, max: 3 }) }),
  },
  { weight: HAPPENINGS, arbitrary: happening(['stripe']) },
);

type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;

/** A page that arrives when what it says is long past: hardly ever by chance, and where naive builds go wrong. */
const overtaken = record.map((about): Step[] => [
  { do: 'change', record: about, name: 'old', remove: false, lost: false },
  { do: 'rest', ms: 15 },
  { do: 'slow listing', source: 'stripe', steps: 5 },
  { do: 'change', record: about, name: 'new', remove: false, lost: false },
  { do: 'time passes' },
]);

const history = fc
  .array(fc.oneof({ weight: 25, arbitrary: step.map((one) => [one]) }, { weight: 1, arbitrary: overtaken }), {
    minLength: 5,
    maxLength: 30,
  })
  .map((parts) => parts.flat());

describe('whatever happens, all is right in the end', () => {
  let world: World;

  beforeAll(async () => {
    const options = {
      ...quick,
      providers: [Count],
      entities: [Effect, Copy],
      // Those of one share transactions, those of the other do not.
      mirrors: [copyOf('product'), copyOf('customer', { batch: 10 })],
      source: { ...patient, mode: 'hybrid' as const },
      sync: { ...quick.sync, missingConfirmMs: 40, leaseMs: 50_000 },
    };
    world = await World.of(
      () => options,
      ({ stripe }) => [stripeParty(stripe)],
    );
  });
  afterAll(() => world?.close());

  async function expectAllRight(): Promise<void> {
    const [{ stripe, dataSource }] = world.hosts;
    const stored = await world.surely(() => dataSource.getRepository(Copy).find());
    expect(stored.map(({ stripeId, name }) => `${stripeId} ${name}`).sort()).toEqual(
      TYPES.flatMap((type) => stripe.all(type))
        .map(({ id, name }) => `${id} ${name as string}`)
        .sort(),
    );
    const counted = await world.surely(() => dataSource.getRepository(Effect).find());
    expect(counted.map(({ subject }) => subject).sort()).toEqual(
      stripe
        .all('event')
        .map(({ id }) => id)
        .sort(),
    );
  }

  it(`in ${RUNS} histories (seed ${SEED})`, async () => {
    const [{ stripe }] = world.hosts;
    let number = 0;
    const property = fc.asyncProperty(history, async (steps) => {
      number += 1;
      let mayBeStale = false;
      Object.assign(stripe.faults, { duplicateRate: 0.3, reorder: true, delayMs: [0, 20], slowMs: [0, 15] });
      for (const next of steps) {
        world.passed(false);
        if (next.do === 'change') {
          const { type, at } = next.record;
          const id = `${type}_${number}_${at}`;
          const delivery = next.lost ? 'lost' : 'sent';
          const exists = stripe.get(type, id) !== null;
          if (exists && next.remove) stripe.delete(type, id, { delivery });
          else if (exists) stripe.update(type, id, { name: next.name }, { delivery });
          else stripe.create(type, { id, name: next.name }, { delivery });
        } else if (next.do === 'stale') {
          stripe.faults.staleReads = next.reads;
          mayBeStale = true;
        } else await world.take(next);
      }
      world.passed(true);
      await world.calm();
      await world.settle();
      if (mayBeStale) await world.reconcile('stripe');
      await expectAllRight();
      // It lists everything: not after each of hundreds.
      if (number % 10 === 0 || mayBeStale)
        expect(await world.reconcile('stripe')).toMatchObject({ state: 'completed', findings: {} });
    });
    await fc.assert(property, { numRuns: RUNS, seed: SEED, endOnFailure: true });
  }, 600_000);
});
