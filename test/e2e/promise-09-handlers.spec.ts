import { Injectable } from '@nestjs/common';
import {
  OnSyncAlarm,
  OnSyncEvent,
  SyncAlarm,
  SyncContext,
  RetryLaterError,
  SyncEvent,
  SyncEventEntity,
} from 'nestjs-hybrid-sync';
import { FakeStripe, signedDelivery } from 'nestjs-hybrid-sync/testing';
import { createDatabase, databaseKind, onServer, type TestDatabase } from '../support/database.js';
import { deliver } from '../support/deliver.js';
import { startHost, until, type Host } from '../support/host.js';
import { itOn, NOBODY_ELSE_WRITES, SERVERS } from '../support/only-on.js';
import { lockTable, sessions } from '../support/sessions.js';

type Behaviour = (context: SyncContext, event: SyncEvent) => unknown;

/** What a handler does is decided by each test, by the record's id. */
@Injectable()
class Billing {
  readonly done: string[] = [];
  readonly attempts: string[] = [];
  readonly behaviours = new Map<string, Behaviour>();
  readonly alarms: SyncAlarm[] = [];

  @OnSyncEvent('stripe', 'customer.*', { timeoutMs: 300, name: 'billing' })
  async handle(event: SyncEvent, context: SyncContext) {
    const { id } = context.record;
    this.attempts.push(`${id} ${event.type} ${context.attempt}`);
    await this.behaviours.get(id)?.(context, event);
    this.done.push(`${id} ${event.type}`);
  }

  @OnSyncEvent('stripe', 'product.*', { timeoutMs: 20_000, name: 'patient' })
  async patient(event: SyncEvent, context: SyncContext) {
    await this.handle(event, context);
  }

  @OnSyncEvent('stripe', 'customer.*', { name: 'neighbour' })
  neighbour(event: SyncEvent, { record }: SyncContext) {
    this.done.push(`neighbour ${record.id} ${event.type}`);
  }

  @OnSyncAlarm()
  broken() {
    throw new Error('a listener that throws');
  }

  @OnSyncAlarm()
  async rejecting() {
    throw new Error('a listener that rejects');
  }

  @OnSyncAlarm()
  alarm(alarm: SyncAlarm) {
    this.alarms.push(alarm);
  }
}

describe('one bad thing stops one thing: a handler', () => {
  let database: TestDatabase;
  let stripe: FakeStripe;
  let host: Host;
  let billing: Billing;

  beforeAll(async () => {
    database = await createDatabase();
    stripe = await FakeStripe.start();
    // As a host may have it: the module must not rely on the database to end what takes too long.
    if (databaseKind === 'postgres')
      await onServer(
        `ALTER DATABASE ${new URL(database.url).pathname.slice(1)} SET statement_timeout = '10min'`,
      );
    host = await startHost({
      beside: { database, stripe } as Host,
      providers: [Billing],
      poolSize: 4,
      source: { maxAttempts: 3, backoffMs: () => 30 },
      sync: { sweepEveryMs: 25 },
    });
    billing = host.app.get(Billing);
    stripe.deliverTo(`${host.url}/webhooks/stripe`);
  });
  afterAll(async () => {
    stripe.deliverTo(null);
    await host.app.close();
    await stripe.close();
    await database.drop();
  });

  async function states(recordId: string) {
    return host.sql<{ type: string; state: string; reason: string | null; dead_by: string | null }>(
      'SELECT type, state, reason, dead_by FROM sync_event WHERE record_id = $1 ORDER BY id',
      [recordId],
    );
  }

  async function settled(...recordIds: string[]): Promise<void> {
    await until(async () => {
      const [{ waiting, total }] = (await host.sql<{ waiting: number; total: number }>(
        `SELECT count(*) FILTER (WHERE state = 'waiting')::int AS waiting, count(*)::int AS total
         FROM sync_event WHERE record_id = ANY ($1)`,
        [recordIds],
      )) as [{ waiting: number; total: number }];
      return total >= recordIds.length && waiting === 0;
    });
  }

  it('throws for ever: it backs off, dies, says so, and its record goes on', async () => {
    billing.behaviours.set('cus_poison', (_, { type }) => {
      if (type === 'customer.created') throw new Error('poison');
    });
    stripe.create('customer', { id: 'cus_poison' });
    await stripe.flush();
    stripe.update('customer', 'cus_poison', { email: 'later@example.com' });
    stripe.create('customer', { id: 'cus_other' });
    await settled('cus_poison', 'cus_other');

    expect(billing.attempts.filter((line) => line.startsWith('cus_poison'))).toEqual([
      'cus_poison customer.created 1',
      'cus_poison customer.created 2',
      'cus_poison customer.created 3',
      'cus_poison customer.updated 1',
    ]);
    expect(await states('cus_poison')).toMatchObject([
      { type: 'customer.created', state: 'dead', dead_by: '["billing"]' },
      { type: 'customer.updated', state: 'completed' },
    ]);
    expect(billing.done).toEqual(
      expect.arrayContaining([
        'neighbour cus_poison customer.created',
        'neighbour cus_poison customer.updated',
        'cus_other customer.created',
      ]),
    );
    await until(() => billing.alarms.length > 0);
    expect(billing.alarms).toMatchObject([
      {
        kind: 'dead',
        source: 'stripe',
        record: { id: 'cus_poison' },
        message: expect.stringContaining('poison'),
      },
    ]);
  });

  it('comes to no end: it is cut off with its connection, and nothing that it still writes stays', async () => {
    await host.sql('CREATE TABLE tick (attempt int)');
    let cutOff: unknown;
    billing.behaviours.set('cus_endless', async ({ attempt, manager }) => {
      try {
        for (;;) {
          await manager.query(`INSERT INTO tick VALUES (${attempt})`);
          if (attempt > 1) return;
          // SQLite answers at once: nobody else would ever have a turn.
          await new Promise((resolve) => setImmediate(resolve));
        }
      } catch (error) {
        cutOff = error;
      }
    });
    stripe.create('customer', { id: 'cus_endless' });
    await settled('cus_endless');
    expect(cutOff).toBeInstanceOf(Error);
    expect(await states('cus_endless')).toMatchObject([{ state: 'completed' }]);
    expect(await host.sql('SELECT * FROM tick')).toEqual([{ attempt: 2 }]);
  });

  itOn(SERVERS, 'SQLite runs statements in this process')(
    'hangs in the database, many times at once: each is cut off there too, and the pool recovers',
    async () => {
      await host.sql('CREATE TABLE contended (id int)');
      const locked = await lockTable(host, 'contended');
      const ids = Array.from({ length: 6 }, (_, i) => `cus_blocked_${i}`);
      for (const id of ids)
        billing.behaviours.set(id, ({ manager }) => manager.query('INSERT INTO contended VALUES (1)'));
      for (const id of ids) stripe.create('customer', { id });
      // Nobody lets the lock go: they die of it, one attempt after the other, and others go on.
      stripe.create('customer', { id: 'cus_unblocked' });
      await settled('cus_unblocked', ...ids);
      await locked.release();
      for (const id of ids)
        expect(await states(id)).toMatchObject([{ state: 'dead', dead_by: '["billing"]' }]);
      expect(await host.sql('SELECT * FROM contended')).toEqual([]);
    },
  );

  itOn(SERVERS, NOBODY_ELSE_WRITES)(
    'hangs in every place there is, and the host needs the rest of its pool: deliveries are accepted',
    async () => {
      let wake!: () => void;
      const asleep = new Promise<void>((resolve) => (wake = resolve));
      const ids = Array.from({ length: 20 }, (_, i) => `prod_${i}`);
      for (const id of ids) {
        billing.behaviours.set(id, () => asleep);
        stripe.create('product', { id }, { delivery: 'unlogged' });
      }
      const post = (id: string) => {
        const payload = stripe.emit('product.created', 'product', id, { delivery: 'lost' });
        return deliver(
          `${host.url}/webhooks/stripe`,
          signedDelivery({ payload, secret: stripe.webhookSecret }),
        );
      };
      const before = billing.attempts.length;
      await Promise.all(ids.slice(0, 10).map(post));
      await until(() => billing.attempts.length === before + 2);
      const hosts = [host.dataSource.createQueryRunner(), host.dataSource.createQueryRunner()];
      await Promise.all(hosts.map((runner) => runner.connect()));

      const answers = await Promise.all(ids.slice(10).map(post));
      expect(answers.map(({ status }) => status)).toEqual(Array(10).fill(200));
      expect(billing.attempts).toHaveLength(before + 2);
      await Promise.all(hosts.map((runner) => runner.release()));
      wake();
      await settled(...ids);
    },
  );

  it('asks to be called again at no time that there is: that is a failure like any other', async () => {
    billing.behaviours.set('cus_later', () => {
      throw new RetryLaterError({ afterMs: Number(undefined) });
    });
    stripe.create('customer', { id: 'cus_later' });
    await settled('cus_later');
    expect(await states('cus_later')).toMatchObject([{ state: 'dead', dead_by: '["billing"]' }]);
  });

  it('is not there: an event of an unknown type is stored, and settled by a pass', async () => {
    stripe.emit('quantum.entangled', 'quantum', { id: 'qu_1' });
    await settled('qu_1');
    expect(await states('qu_1')).toMatchObject([{ state: 'skipped', reason: 'no-handler' }]);
  });

  it('leaves nothing behind: no lease, no connection, no event that waits', async () => {
    await host.sync.idle();
    expect(await host.sql('SELECT * FROM sync_record WHERE lease_token IS NOT NULL')).toEqual([]);
    expect(await host.dataSource.getRepository(SyncEventEntity).countBy({ state: 'waiting' })).toBe(0);
    await until(async () => (await sessions(host)).length <= 4 + 2);
  });
});
