import { jest } from '@jest/globals';
import { OnSyncEvent, SyncContext, SyncEvent } from 'nestjs-hybrid-sync';
import { FakeStripe, signedDelivery } from 'nestjs-hybrid-sync/testing';
import { Injectable } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import { connectTo, createDatabase, databaseKind, onServer, type TestDatabase } from '../support/database.js';
import { deliver, type Received } from '../support/deliver.js';
import { startHost, until, type Host } from '../support/host.js';
import { itOn, SERVERS } from '../support/only-on.js';
import { killSession, lockTable, sessionOf, sessions, sleepIn } from '../support/sessions.js';
import { sqlOn, type Sql } from '../support/sql.js';
import { proxyTo, type TcpProxy } from '../support/tcp-proxy.js';

/** Providers give up on an answer after some seconds; ours comes before. */
const PATIENCE_MS = 5_000;

@Injectable()
class Billing {
  readonly seen: string[] = [];

  @OnSyncEvent('stripe', 'customer.created')
  created(_: SyncEvent, { record }: SyncContext) {
    this.seen.push(record.id);
  }
}

// What is waited for here takes its time on a busy machine: processes start, connections are given up.
jest.setTimeout(60_000);

describe('ack means durable: the database', () => {
  let database: TestDatabase;
  /** SQLite is reached by no network. */
  let proxy: TcpProxy | undefined;
  let stripe: FakeStripe;
  let db: DataSource;
  let sql: Sql;
  let host: Host;

  beforeEach(async () => {
    database = await createDatabase();
    stripe = await FakeStripe.start();
    proxy = databaseKind === 'sqlite' ? undefined : await proxyTo(database);
    db = await connectTo(database);
    sql = sqlOn(db);
  });
  afterEach(async () => {
    await host.app.close();
    await proxy?.close();
    await db.destroy();
    await stripe.close();
    await database.drop();
  });

  async function start(sync = {}, at = proxy?.database ?? database): Promise<void> {
    const beside = { database: at, stripe } as Host;
    host = await startHost({ beside, providers: [Billing], sync: { sweepEveryMs: 100, ...sync } });
  }

  /** A customer comes into being, and Stripe posts it once. */
  function send(id: string): Promise<Received> {
    if (!stripe.get('customer', id)) stripe.create('customer', { id }, { delivery: 'unlogged' });
    const payload = stripe.emit('customer.created', 'customer', id, { delivery: 'lost' });
    return deliver(`${host.url}/webhooks/stripe`, signedDelivery({ payload, secret: stripe.webhookSecret }));
  }

  function expectRefusal({ status, headers, body, tookMs }: Received): void {
    expect({ status, body }).toEqual({ status: 503, body: '{"error":"not-stored"}' });
    expect(Number(headers['retry-after'])).toBeGreaterThan(0);
    expect(tookMs).toBeLessThan(PATIENCE_MS);
  }

  async function stored(): Promise<string[]> {
    const rows = await sql<{ record_id: string }>('SELECT record_id FROM sync_event ORDER BY id');
    return rows.map((row) => row.record_id);
  }

  /** The next deliveries are taken as soon as the database is back. */
  async function recovers(): Promise<void> {
    expect((await send('cus_after')).status).toBe(200);
    await until(() => host.app.get(Billing).seen.includes('cus_after'));
  }

  itOn(SERVERS, 'SQLite has no network')(
    'is gone: 503, and the next delivery after its return is accepted',
    async () => {
      await start();
      expect((await send('cus_before')).status).toBe(200);
      proxy!.cut();
      expectRefusal(await send('cus_during'));
      expectRefusal(await send('cus_still'));
      expect(await stored()).toEqual(['cus_before']);
      await proxy!.heal();
      await recovers();
      expect(await stored()).toEqual(['cus_before', 'cus_after']);
    },
  );

  itOn(SERVERS, 'SQLite has no door')('lets nobody in: 503, until it does again', async () => {
    const door = await doorTo(database);
    try {
      await start({}, door.database);
      await door.close();
      const own = await sessionOf(db);
      for (const id of await sessions({ sql })) if (id !== own) await killSession({ sql }, id);
      expectRefusal(await send('cus_during'));
      expect(await stored()).toEqual([]);
      await door.open();
      await recovers();
    } finally {
      await host.app.close();
      await door.remove();
    }
  });

  itOn(SERVERS, 'SQLite has no network')(
    'falls silent: 503 in time, and the next delivery after its return is accepted',
    async () => {
      await start();
      proxy!.silence();
      const refusals = await Promise.all(['cus_1', 'cus_2', 'cus_3'].map(send));
      refusals.forEach(expectRefusal);
      expect(await stored()).toEqual([]);
      await proxy!.heal();
      await recovers();
    },
  );

  it('is slow: 503 in time, and what does not fit into the queue is refused at once', async () => {
    await start({ inboxQueueLimit: 20, acceptTimeoutMs: 3_000 });
    const locked = await lockTable({ dataSource: db }, 'sync_event');
    const answers = await Promise.all(Array.from({ length: 120 }, (_, i) => send(`cus_${i}`)));
    answers.forEach(expectRefusal);
    // One insert is under way, and so many wait for the next.
    const atOnce = answers.filter(({ tookMs }) => tookMs < 3_000);
    expect(answers.length - atOnce.length).toBeLessThanOrEqual(21);
    await locked.release();
    await recovers();
    // Told to come again, what was under way may have been stored all the same: it is known when it does.
    const known = (await stored()).filter((id) => id !== 'cus_after');
    await until(async () => known.every((id) => host.app.get(Billing).seen.includes(id)));
    expect(host.app.get(Billing).seen).toHaveLength(known.length + 1);
  });

  itOn(SERVERS, 'SQLite has no network')(
    'loses its connections without a word: what hung on them is given up, and all goes on',
    async () => {
      await start({ handlerTimeoutMs: 500 });
      // As many as there are places for transactions; each finds a connection that was good a moment ago.
      const ids = Array.from({ length: 8 }, (_, i) => `cus_${i}`);
      const fetches = ids.map((id) => stripe.hold({ path: `/v1/customers/${id}` }));
      await Promise.all(ids.map(send));
      await Promise.all(fetches.map(({ reached }) => reached));
      await Promise.all(ids.map(() => sleepIn(host.dataSource, 0.1)));
      proxy!.lose();
      fetches.forEach((fetch) => fetch.release());
      await until(() => ids.every((id) => host.app.get(Billing).seen.includes(id)));
      await until(async () => (await send('cus_again')).status === 200);
      await until(() => host.app.get(Billing).seen.includes('cus_again'));
      expect(host.app.get(Billing).seen.sort()).toEqual([...ids, 'cus_again']);
    },
  );
});

/** A database that lets nobody in while its door is closed. */
async function doorTo(database: TestDatabase) {
  const name = new URL(database.url).pathname.slice(1);
  if (databaseKind === 'postgres') {
    const allow = (whether: boolean) => onServer(`ALTER DATABASE ${name} ALLOW_CONNECTIONS ${whether}`);
    return { database, close: () => allow(false), open: () => allow(true), remove: async () => undefined };
  }
  // An account of its own can be locked; and it has no more rights than a host should need.
  const account = `'${name}'@'%'`;
  await onServer(`CREATE USER ${account} IDENTIFIED BY 'secret'`);
  await onServer(`GRANT ALL ON ${name}.* TO ${account}`);
  const url = Object.assign(new URL(database.url), { username: name, password: 'secret' });
  const options = { ...database.options, url: url.href } as TestDatabase['options'];
  return {
    database: { ...database, url: url.href, options },
    close: () => onServer(`ALTER USER ${account} ACCOUNT LOCK`),
    open: () => onServer(`ALTER USER ${account} ACCOUNT UNLOCK`),
    remove: () => onServer(`DROP USER ${account}`),
  };
}
