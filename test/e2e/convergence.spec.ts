import { Injectable } from '@nestjs/common';
import fc from 'fast-check';
import { OnSyncEvent, SyncContext, SyncEvent } from 'nestjs-hybrid-sync';
import type { ApiRequestEntry, HeldRequest } from 'nestjs-hybrid-sync/testing';
import { Copy, copyOf, failing, mayFail } from '../support/copies.js';
import { startHost, until, type Host } from '../support/host.js';
import { Mishaps } from '../support/mishaps.js';
import { Effect, quick, travel, write } from '../support/scenario.js';

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
const record = fc.record({ type: fc.constantFrom(...TYPES), at: fc.nat(1) });
const doing = <Name extends string>(name: Name) => fc.record({ do: fc.constant(name) });

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
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('fail' as const), times: fc.integer({ min: 1, max: 4 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('stale' as const), reads: fc.integer({ min: 1, max: 3 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('limit' as const), calls: fc.integer({ min: 1, max: 3 }) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('outage' as const), on: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('drop' as const), on: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('pause' as const), on: fc.boolean() }) },
  { weight: 4, arbitrary: doing('time passes') },
  { weight: 1, arbitrary: doing('expire') },
  { weight: 1, arbitrary: doing('steal') },
  { weight: 1, arbitrary: doing('kill') },
  { weight: 2, arbitrary: doing('poll') },
  { weight: 1, arbitrary: doing('backfill') },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('slow listing' as const), steps: fc.integer({ min: 2, max: 8 }) }),
  },
  { weight: 1, arbitrary: doing('other process') },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('rest' as const), ms: fc.nat(15) }) },
);

type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;

/** A page that arrives when what it says is long past: hardly ever by chance, and where naive builds go wrong. */
const overtaken = record.map((about): Step[] => [
  { do: 'change', record: about, name: 'old', remove: false, lost: false },
  { do: 'rest', ms: 15 },
  { do: 'slow listing', steps: 5 },
  { do: 'change', record: about, name: 'new', remove: false, lost: false },
  { do: 'time passes' },
]);

const history = fc
  .array(fc.oneof({ weight: 25, arbitrary: step.map((one) => [one]) }, { weight: 1, arbitrary: overtaken }), {
    minLength: 5,
    maxLength: 30,
  })
  .map((parts) => parts.flat());

/** It may be that it never comes: the source is paused, say. */
function atMost(ms: number, work: Promise<unknown>): Promise<unknown> {
  return Promise.race([work.catch(() => undefined), new Promise((resolve) => setTimeout(resolve, ms))]);
}

/** Of a listing's first page of its youngest records. */
const youngestPage = ({ path, query }: ApiRequestEntry) =>
  /^\/v1\/(customers|products)$/.test(path) &&
  (query.created as { lt?: number } | undefined)?.lt === undefined;

describe('whatever happens, all is right in the end', () => {
  let hosts: [Host, Host];
  let mishaps: Mishaps;

  beforeAll(async () => {
    const options = {
      ...quick,
      providers: [Count],
      entities: [Effect, Copy],
      mirrors: TYPES.map(copyOf),
      source: {
        ...quick.source,
        mode: 'hybrid' as const,
        poll: { everyMs: 600_000, fastestMs: 600_000 },
        maxAttempts: 100_000,
        backoffMs: () => 10,
      },
      sync: { ...quick.sync, missingConfirmMs: 40, leaseMs: 50_000 },
    };
    const host = await startHost(options);
    hosts = [host, await startHost({ ...options, beside: host })];
    mishaps = await Mishaps.of(host);
  });
  afterAll(async () => {
    await mishaps?.close();
    for (const host of [...(hosts ?? [])].reverse()) await host.close();
  });

  /** Time goes by for all, so that what waits for a later time has it. */
  function wait(ms: number): void {
    for (const host of hosts) travel(host, ms);
    hosts[0].stripe.clock.offsetMs += ms;
  }

  async function patiently(condition: () => Promise<boolean>): Promise<void> {
    await until(async () => {
      if (await condition().catch(() => false)) return true;
      wait(200);
      return false;
    });
  }

  /** Sessions were killed, which the first who uses one of them is told. */
  async function surely<T>(ask: () => Promise<T>): Promise<T> {
    let answer!: T;
    await patiently(async () => {
      answer = await ask();
      return true;
    });
    return answer;
  }

  async function quiet(): Promise<void> {
    const [host] = hosts;
    const { stripe } = host;
    stripe.faults.clear();
    failing.calls = 0;
    await surely(() => host.sync.resume({ source: 'stripe' }));
    await stripe.flush();
    await patiently(async () => (await host.sync.poll({ source: 'stripe' })).some(({ atEnd }) => atEnd));
    await patiently(
      async () => (await host.sql(`SELECT FROM sync_run WHERE state = 'running' LIMIT 1`)).length === 0,
    );
    await patiently(
      async () => (await host.sql(`SELECT FROM sync_event WHERE state = 'waiting' LIMIT 1`)).length === 0,
    );
  }

  async function reconcile() {
    // What came within the last minutes would count as being on its way.
    wait(600_000);
    const run = await surely(() => hosts[0].sync.reconcile({ source: 'stripe' }));
    await patiently(async () => (await run.report()).finishedAt !== null);
    return surely(() => run.report());
  }

  async function expectAllRight(): Promise<void> {
    const [{ stripe, dataSource }] = hosts;
    const stored = await surely(() => dataSource.getRepository(Copy).find());
    expect(stored.map(({ stripeId, name }) => `${stripeId} ${name}`).sort()).toEqual(
      TYPES.flatMap((type) => stripe.all(type))
        .map(({ id, name }) => `${id} ${name as string}`)
        .sort(),
    );
    const counted = await surely(() => dataSource.getRepository(Effect).find());
    expect(counted.map(({ subject }) => subject).sort()).toEqual(
      stripe
        .all('event')
        .map(({ id }) => id)
        .sort(),
    );
  }

  it(`in ${RUNS} histories (seed ${SEED})`, async () => {
    const [host] = hosts;
    const { stripe } = host;
    let number = 0;
    let process = 0;
    const property = fc.asyncProperty(history, async (steps) => {
      number += 1;
      let mayBeStale = false;
      Object.assign(stripe.faults, { duplicateRate: 0.3, reorder: true, delayMs: [0, 20], slowMs: [0, 15] });
      let held: { page: HeldRequest<ApiRequestEntry>; left: number }[] = [];
      const release = (all: boolean) => {
        held.forEach((each) => (each.left -= 1));
        held.filter(({ left }) => all || left <= 0).forEach(({ page }) => page.release());
        held = held.filter(({ left }) => !all && left > 0);
      };
      for (const next of steps) {
        release(false);
        if (next.do === 'change') {
          const { type, at } = next.record;
          const id = `${type}_${number}_${at}`;
          const delivery = next.lost ? 'lost' : 'sent';
          const exists = stripe.get(type, id) !== null;
          if (exists && next.remove) stripe.delete(type, id, { delivery });
          else if (exists) stripe.update(type, id, { name: next.name }, { delivery });
          else stripe.create(type, { id, name: next.name }, { delivery });
        } else if (next.do === 'fail') failing.calls += next.times;
        else if (next.do === 'stale') {
          stripe.faults.staleReads = next.reads;
          mayBeStale = true;
        } else if (next.do === 'limit') stripe.faults.rateLimit = { next: next.calls };
        else if (next.do === 'outage') stripe.faults.outage = next.on;
        else if (next.do === 'drop') stripe.faults.dropRate = next.on ? 0.5 : 0;
        else if (next.do === 'pause')
          await host.sync[next.on ? 'pause' : 'resume']({ source: 'stripe' }).catch(() => undefined);
        else if (next.do === 'rest') await new Promise((resolve) => setTimeout(resolve, next.ms));
        // Longer than any lag that is reckoned with.
        else if (next.do === 'time passes') {
          await atMost(
            100,
            stripe.flush().then(() => host.sync.idle()),
          );
          wait(40_000);
        } else if (next.do === 'poll') await host.sync.poll({ source: 'stripe' }).catch(() => undefined);
        else if (next.do === 'backfill')
          await host.sync.backfill({ source: 'stripe' }).catch(() => undefined);
        // Its first page arrives when what it says is long past.
        else if (next.do === 'slow listing') {
          held.push({ page: stripe.hold(youngestPage), left: next.steps });
          await host.sync.backfill({ source: 'stripe' }).catch(() => undefined);
          await atMost(150, held.at(-1)!.page.reached);
        } else if (next.do === 'other process')
          stripe.deliverTo(`${hosts[(process = 1 - process)]!.url}/webhooks/stripe`);
        else await mishaps[next.do]().catch(() => undefined);
      }
      release(true);
      await quiet();
      if (mayBeStale) await reconcile();
      await expectAllRight();
      // It lists everything: not after each of hundreds.
      if (number % 10 === 0 || mayBeStale)
        expect(await reconcile()).toMatchObject({ state: 'completed', findings: {} });
    });
    await fc.assert(property, { numRuns: RUNS, seed: SEED, endOnFailure: true });
  }, 600_000);
});
