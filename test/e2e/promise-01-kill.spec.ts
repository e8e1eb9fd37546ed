import http from 'node:http';
import { jest } from '@jest/globals';
import { FakeStripe, signedDelivery } from 'nestjs-hybrid-sync/testing';
import type { DataSource } from 'typeorm';
import { compileChildProgram, type ChildProgram } from '../support/child-app.js';
import { ChildEffect } from '../support/child-effect.js';
import { connectTo, createDatabase, databaseKind, type TestDatabase } from '../support/database.js';
import { deliver } from '../support/deliver.js';
import { until } from '../support/host.js';
import { sqlOn, type Sql } from '../support/sql.js';

/** Processes that notice soon that another is gone. */
const quick = { leaseMs: 600, sweepEveryMs: 50 };

const once = { times: 1, keys: 1 };

// What is waited for here takes its time on a busy machine: processes start, connections are given up.
jest.setTimeout(60_000);

const FLOOD = 600;

describe('ack means durable: a process is killed', () => {
  let program: ChildProgram;
  let database: TestDatabase;
  let db: DataSource;
  let sql: Sql;
  let stripe: FakeStripe;

  beforeAll(async () => {
    program = compileChildProgram();
    database = await createDatabase();
    stripe = await FakeStripe.start();
    db = await connectTo(database, [ChildEffect]);
    await db.synchronize();
    sql = sqlOn(db);
  });
  afterAll(async () => {
    await program.close();
    await stripe.close();
    await db.destroy();
    await database.drop();
  });

  async function states(): Promise<Record<string, string>> {
    const rows = await sql<{ record_id: string; state: string }>('SELECT record_id, state FROM sync_event');
    return Object.fromEntries(rows.map((row) => [row.record_id, row.state]));
  }

  async function effectsOn(recordId: string) {
    const rows = await sql<{ handler: string; times: number; key_count: number }>(
      `SELECT handler, count(*)::int AS times, count(DISTINCT idempotency_key)::int AS key_count
       FROM effect WHERE record_id = $1 GROUP BY handler`,
      [recordId],
    );
    return Object.fromEntries(rows.map((row) => [row.handler, { times: row.times, keys: row.key_count }]));
  }

  describe('with every accepted event at another stage', () => {
    const stages = {
      cus_fetch: 'while its record is fetched',
      cus_open: 'inside the transaction of a handler that has written',
      cus_between: 'after the commit of its first handler, before the second',
      cus_outside: 'inside a handler without a transaction that has had its effect',
      cus_not_begun: 'before its pass begins',
    };
    /** A handler has all of SQLite while it runs: there, each of them has a process of its own to kill. */
    const together: string[][] =
      databaseKind === 'sqlite'
        ? [['cus_fetch'], ['cus_open'], ['cus_between'], ['cus_outside', 'cus_not_begun']]
        : [Object.keys(stages)];
    const before: Record<string, Awaited<ReturnType<typeof effectsOn>>> = {};
    const answers: (number | null)[] = [];

    beforeAll(async () => {
      for (const ids of together) {
        await killWith(ids);
        for (const id of ids) before[id] = await effectsOn(id);
        const next = await program.start({ database, stripe, sync: quick });
        await until(async () => Object.values(await states()).every((state) => state === 'completed'));
        await next.kill();
      }
    });

    async function killWith(ids: string[]): Promise<void> {
      const begun = ids.filter((id) => id !== 'cus_not_begun');
      const doomed = await program.start({
        database,
        stripe,
        // One connection gets half of the places: those have one each, another is accepted and has to wait.
        sync: { ...quick, maxPasses: 2 * begun.length },
        holdAt: { cus_open: 'first-written', cus_between: 'second-entered', cus_outside: 'outside-written' },
      });
      stripe.deliverTo(doomed.webhookUrl);
      const fetching = stripe.hold({ path: '/v1/customers/cus_fetch' });
      for (const id of begun) stripe.create('customer', { id });
      await Promise.all(begun.map((id) => (id === 'cus_fetch' ? fetching.reached : doomed.held(id))));
      if (ids.includes('cus_not_begun')) stripe.create('customer', { id: 'cus_not_begun' });
      await stripe.flush();
      await doomed.kill();
      fetching.release();
      answers.push(
        ...stripe.deliveries
          .all()
          .slice(-ids.length)
          .map(({ status }) => status),
      );
    }

    it('all were answered 200, and had had these effects', () => {
      expect(answers).toEqual([200, 200, 200, 200, 200]);
      expect(before).toEqual({
        cus_fetch: {},
        cus_open: { change: once },
        cus_between: { change: once, first: once },
        cus_outside: { change: once, first: once, second: once, outside: once },
        cus_not_begun: {},
      });
    });

    it.each(Object.entries(stages))('%s, %s: the next process completes it', async (id) => {
      const { outside, ...inTransactions } = await effectsOn(id);
      expect(inTransactions).toEqual({ change: once, first: once, second: once });
      // Without a transaction nobody can know whether it had its effect; its key says that it is the same one.
      expect(outside).toEqual(id === 'cus_outside' ? { times: 2, keys: 1 } : once);
    });
  });

  it('amid a flood: what was answered 200 is stored, and handled by the next process', async () => {
    const flooded = await program.start({ database, stripe, sync: quick });
    const agent = new http.Agent({ keepAlive: true, maxSockets: 32 });
    const ids = Array.from({ length: FLOOD }, (_, i) => `cus_flood_${i}`);
    const accepted: string[] = [];
    stripe.deliverTo(null);
    await Promise.all(
      ids.map(async (id) => {
        stripe.create('customer', { id }, { delivery: 'unlogged' });
        const event = stripe.emit('customer.updated', 'customer', id, { delivery: 'lost' });
        const delivery = signedDelivery({ payload: event, secret: stripe.webhookSecret });
        const answer = await deliver(flooded.webhookUrl, delivery, { agent }).catch(() => null);
        if (answer?.status === 200) accepted.push(event.id);
        if (accepted.length === FLOOD / 3) await flooded.kill();
      }),
    );
    agent.destroy();
    expect(accepted.length).toBeLessThan(ids.length);

    const rows = await sql('SELECT event_id FROM sync_event WHERE event_id = ANY ($1)', [accepted]);
    expect(rows).toHaveLength(accepted.length);

    await program.start({ database, stripe, sync: quick });
    await until(async () => Object.values(await states()).every((state) => state === 'completed'));
    const effects = await sql<{ handler: string; times: number }>(
      `SELECT handler, count(*)::int AS times FROM effect WHERE cause = ANY ($1) AND handler <> 'outside'
       GROUP BY handler, cause`,
      [accepted],
    );
    expect(effects.filter(({ times }) => times !== 1)).toEqual([]);
    expect(effects).toHaveLength(2 * accepted.length);
  });
});
