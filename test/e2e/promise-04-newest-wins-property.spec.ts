import { Injectable } from '@nestjs/common';
import fc from 'fast-check';
import { mirror, OnSyncChange, OnSyncEvent, SyncContext, SyncEvent } from 'nestjs-hybrid-sync';
import { Column, Entity, PrimaryColumn, type DataSource } from 'typeorm';
import { FencedTransaction } from '../../lib/process/fenced-transaction.js';
import { connectTo, databaseKind, type TestDatabase } from '../support/database.js';
import { startHost, until, type Host } from '../support/host.js';
import { Effect, quick, write } from '../support/scenario.js';
import { idleInTransaction, killSession, sessionOf, sessions } from '../support/sessions.js';
import { sqlOn } from '../support/sql.js';

@Entity({ name: 'copy' })
class Copy {
  @PrimaryColumn({ type: 'varchar', length: 64 })
  stripeId!: string;

  @Column('text')
  name!: string;
}

/** How many of the next calls of handlers fail. */
let failures = 0;
function mayFail() {
  if (failures > 0) {
    failures -= 1;
    throw new Error('not now');
  }
}

const copyOf = (resource: string) =>
  mirror('stripe', resource, {
    to: Copy,
    key: ['stripeId'],
    name: `copy of ${resource}`,
    map: ({ name }: { name: string }) => {
      mayFail();
      return { name };
    },
  });

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

/** What happens to workers, as the database sees it. */
const mishaps: Record<string, (host: Host) => Promise<unknown>> = {
  expire: ({ sql }) => sql(`UPDATE sync_record SET lease_until = now() WHERE lease_token IS NOT NULL`),
  steal: ({ sql }) =>
    sql(
      `UPDATE sync_record SET lease_token = gen_random_uuid(), lease_until = now() WHERE lease_token IS NOT NULL`,
    ),
  kill: killTwo,
};

/** Ends two sessions, of those with an open transaction if there are any; never the one that it does so in. */
async function killTwo(host: Host): Promise<void> {
  if (databaseKind === 'sqlite') return host.app.get(FencedTransaction, { strict: false }).cutOff();
  const on = { sql: sqlOn(administrator) };
  const own = await sessionOf(administrator);
  const all = (await sessions(on)).sort(() => Math.random() - 0.5);
  const victims = new Set([...(await idleInTransaction(on)), ...all]);
  victims.delete(own);
  for (const id of [...victims].slice(0, 2)) await killSession(on, id);
}

/** Has one session. */
let administrator: DataSource;

describe('promise 4, newest wins, whatever comes together', () => {
  let hosts: Host[];

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
    administrator = await connectTo({
      ...host.database,
      options: { ...host.database.options, poolSize: 1 } as TestDatabase['options'],
    });
  });
  afterAll(async () => {
    await administrator?.destroy();
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
      failures = 0;
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
        } else if (next.do === 'fail') failures += next.times;
        else if (next.do === 'rest') await new Promise((resolve) => setTimeout(resolve, next.ms));
        // The host's own sessions are killed too.
        else if (next.do in mishaps) await mishaps[next.do]!(host).catch(() => undefined);
        else stripe.deliverTo(`${hosts[(process = 1 - process)]!.url}/webhooks/stripe`);
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
