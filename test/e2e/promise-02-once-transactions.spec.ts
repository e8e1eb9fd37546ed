import { Injectable } from '@nestjs/common';
import { OnSyncAlarm, OnSyncEvent, SyncAlarm, SyncContext, SyncEvent } from 'nestjs-hybrid-sync';
import type { EntityManager } from 'typeorm';
import { databaseKind } from '../support/database.js';
import { startHost, until, type Host } from '../support/host.js';
import { itOn, SERVERS } from '../support/only-on.js';
import { Effect, effects, Gate, openers, quick, send, settled, write } from '../support/scenario.js';
import { killSession, sessionOf, sleepIn, waitingForLock } from '../support/sessions.js';

@Injectable()
class Billing {
  calls: string[] = [];
  alarms: SyncAlarm[] = [];
  play: (event: SyncEvent, context: SyncContext) => unknown = () => undefined;
  beside: (context: SyncContext) => unknown = () => undefined;

  @OnSyncEvent('stripe', 'customer.*', { name: 'book', timeoutMs: 250 })
  async book(event: SyncEvent, context: SyncContext) {
    this.calls.push(`book #${context.attempt}`);
    await write(context.manager, 'book', event.id);
    await this.play(event, context);
  }

  @OnSyncEvent('stripe', 'customer.*', { name: 'mail' })
  async mail(event: SyncEvent, context: SyncContext) {
    await this.beside(context);
    await write(context.manager, 'mail', event.id);
  }

  @OnSyncAlarm()
  alarm(alarm: SyncAlarm) {
    this.alarms.push(alarm);
  }
}

describe.each(openers)(
  'promise 2, once, when the transaction is lost under the handler, opened %s',
  (_, transaction) => {
    let host: Host;
    let billing: Billing;
    let id: string;

    beforeAll(async () => {
      host = await startHost({
        ...quick,
        providers: [Billing],
        source: { ...quick.source, maxAttempts: 3 },
        transaction,
      });
      billing = host.app.get(Billing);
      await host.sql('CREATE TABLE taken (name varchar(10) PRIMARY KEY)');
      await host.sql('CREATE TABLE seat (id int PRIMARY KEY, times int)');
    });
    afterAll(() => host?.close());

    beforeEach(async () => {
      Object.assign(billing, { calls: [], alarms: [], play: () => undefined, beside: () => undefined });
      await host.dataSource.getRepository(Effect).clear();
      for (const table of ['sync_event', 'taken', 'seat']) await host.sql(`DELETE FROM ${table}`);
    });

    const deliver = async () =>
      (id = await send(host, host.stripe.create('customer', {}, { delivery: 'unlogged' })));
    const event = async () =>
      (
        await host.sql<{ state: string; dead_by: string; error: string }>(
          'SELECT state, dead_by, error FROM sync_event',
        )
      )[0]!;
    const once = () =>
      expect(effects(host).then((all) => all.sort())).resolves.toEqual([`book ${id}`, `mail ${id}`]);

    const takeTwice = async (manager: EntityManager) => {
      await manager.query(`INSERT INTO taken VALUES ('x')`);
      await manager.query(`INSERT INTO taken VALUES ('x')`);
    };

    itOn('postgres', 'elsewhere only the statement is lost')(
      'a swallowed unique violation fails the attempt, and in the end the event is dead',
      async () => {
        billing.play = (_event, { manager }) => takeTwice(manager).catch(() => undefined);
        await deliver();
        await settled(host);
        expect(billing.calls).toEqual(['book #1', 'book #2', 'book #3']);
        expect(await effects(host)).toEqual([`mail ${id}`]);
        expect(await event()).toMatchObject({ state: 'dead', dead_by: '["book"]' });
        expect((await event()).error).toMatch(/^TransactionAbortedError: .*savepoint/);
        await until(() => billing.alarms.length > 0);
        expect(billing.alarms.map(({ kind }) => kind)).toEqual(['dead']);
      },
    );

    itOn(['mysql', 'sqlite'], 'on Postgres the transaction is lost')(
      'a swallowed unique violation is the handler’s business: only that statement is lost',
      async () => {
        billing.play = (_event, { manager }) => takeTwice(manager).catch(() => undefined);
        await deliver();
        await settled(host);
        expect(billing.calls).toEqual(['book #1']);
        expect(await host.sql('SELECT name FROM taken')).toEqual([{ name: 'x' }]);
        await once();
      },
    );

    it('a handler that ends the transaction itself fails, and what it does in another is not kept', async () => {
      billing.play = async (_event, { manager }) => {
        await manager.query('ROLLBACK');
        await manager.query('BEGIN');
        await write(manager, 'book', 'elsewhere');
      };
      await deliver();
      await settled(host);
      expect(billing.calls).toEqual(['book #1']);
      expect(await event()).toMatchObject({ state: 'dead', dead_by: '["book"]' });
      expect(await effects(host)).toEqual([`mail ${id}`]);
    });

    it('a unique violation inside a savepoint hurts nobody', async () => {
      billing.play = async (_event, { manager }) => {
        await manager.transaction((inner) => takeTwice(inner)).catch(() => undefined);
      };
      await deliver();
      await settled(host);
      expect(billing.calls).toEqual(['book #1']);
      expect(await host.sql('SELECT name FROM taken')).toEqual([]);
      await once();
    });

    itOn(SERVERS, 'SQLite has one writer at a time')(
      'a swallowed deadlock fails the attempt, and nothing of it is kept: not even what came after',
      async () => {
        await host.sql('INSERT INTO seat VALUES (1, 0), (2, 0)');
        const take = (seat: number) => `UPDATE seat SET times = times + 1 WHERE id = ${seat}`;
        const holding = new Gate();
        const attempts: number[] = [];
        // Not of the handler that has a quarter of a second only.
        billing.beside = async ({ manager, attempt }) => {
          attempts.push(attempt);
          if (attempt > 1) return;
          // The victim is on Postgres whoever waits first, on MySQL whoever has written less.
          if (databaseKind === 'postgres') await manager.query(`SET LOCAL deadlock_timeout = '10ms'`);
          await manager.query(take(1));
          await holding.pass();
          await manager.query(take(2)).catch(() => undefined);
          for (const handler of ['book', 'mail'])
            await write(manager, handler, 'after the deadlock').catch(() => undefined);
        };
        await deliver();
        await holding.reached;
        const rival = host.dataSource.createQueryRunner();
        await rival.startTransaction();
        if (databaseKind === 'postgres') await rival.query(`SET LOCAL deadlock_timeout = '10s'`);
        for (let i = 100; i < 130; i++) await rival.query(`INSERT INTO seat VALUES (${i}, 0)`);
        await rival.query(take(2));
        const blocked = rival.query(take(1));
        await until(async () => (await waitingForLock(host)).length > 0);
        holding.release();
        await blocked;
        await rival.rollbackTransaction();
        await rival.release();
        await settled(host);
        expect(attempts).toEqual([1, 2]);
        expect(await host.sql('SELECT times FROM seat ORDER BY id')).toEqual([{ times: 0 }, { times: 0 }]);
        await once();
      },
    );

    itOn('mysql', 'elsewhere a wait for a lock has no end of its own, or ends the transaction')(
      'a swallowed lock wait time-out is the handler’s business: only that statement is lost',
      async () => {
        await host.sql('INSERT INTO seat VALUES (1, 0)');
        const rival = host.dataSource.createQueryRunner();
        await rival.startTransaction();
        await rival.query('UPDATE seat SET times = 7');
        const errors: unknown[] = [];
        billing.beside = async ({ manager }) => {
          await manager.query('SET SESSION innodb_lock_wait_timeout = 1');
          await manager.query('UPDATE seat SET times = 8').catch((error: unknown) => errors.push(error));
        };
        await deliver();
        await settled(host);
        await rival.rollbackTransaction();
        await rival.release();
        expect(errors).toMatchObject([{ driverError: { code: 'ER_LOCK_WAIT_TIMEOUT' } }]);
        await once();
      },
    );

    it('a handler that outlives its time can commit nothing, and has not succeeded when it ends after all', async () => {
      const [overdue, meanwhile] = [new Gate(), new Gate()];
      const late: unknown[] = [];
      billing.play = async (_event, { manager, attempt }) => {
        if (attempt > 1) return;
        await overdue.pass();
        await write(manager, 'book', 'too late').catch((error: unknown) => late.push(error));
      };
      billing.beside = () => meanwhile.pass();
      await deliver();
      // The pass has given it up and is with the next handler when it comes to its end.
      await meanwhile.reached;
      overdue.release();
      await until(() => late.length === 1);
      meanwhile.release();
      await settled(host);
      expect(billing.calls).toEqual(['book #1', 'book #2']);
      await once();
    });

    itOn(SERVERS, 'SQLite runs statements in this process')(
      'a handler that is stuck in a statement beyond its time is tried again',
      async () => {
        billing.play = async (_event, { manager, attempt }) => {
          if (attempt === 1) await sleepIn(manager, 12);
        };
        await deliver();
        await settled(host);
        expect(billing.calls).toEqual(['book #1', 'book #2']);
        await once();
      },
      10_000,
    );

    itOn(SERVERS, 'SQLite has no sessions').each(['idle', 'in a query'])(
      'a session that is killed while the handler has it, %s',
      async (when) => {
        const [session, gate] = [new Array<number>(), new Gate()];
        billing.play = async (_event, { manager }) => {
          if (session.length > 0) return;
          session.push(await sessionOf(manager));
          if (when === 'idle') await gate.pass();
          else await sleepIn(manager, 10);
        };
        await deliver();
        await until(() => session.length > 0);
        await killSession(host, session[0]!);
        gate.release();
        await settled(host);
        // Nobody's fault: no attempt was used.
        expect(billing.calls).toEqual(['book #1', 'book #1']);
        await once();
      },
    );

    itOn(SERVERS, 'SQLite has no network').each(['before', 'after'] as const)(
      'a connection that is lost at COMMIT, %s it has happened',
      async (when) => {
        let lost = 0;
        billing.play = async (_event, { manager }) => {
          if (lost > 0) return;
          await loseAtCommit(manager, when, () => (lost += 1));
        };
        await deliver();
        await settled(host);
        expect(lost).toBe(1);
        expect(billing.calls).toEqual(when === 'before' ? ['book #1', 'book #1'] : ['book #1']);
        await once();
      },
    );

    itOn(['postgres', 'sqlite'], 'MySQL checks nothing at COMMIT')(
      'what the database refuses at COMMIT is a failed attempt like any other',
      async () => {
        await host.sql('CREATE TABLE later (seat int REFERENCES seat (id) DEFERRABLE INITIALLY DEFERRED)');
        billing.play = (_event, { manager }) => manager.query(`INSERT INTO later VALUES (99)`);
        await deliver();
        await settled(host);
        expect(billing.calls).toEqual(['book #1', 'book #2', 'book #3']);
        expect(await event()).toMatchObject({ state: 'dead', dead_by: '["book"]' });
        expect((await event()).error).toMatch(/foreign key/i);
        expect(await effects(host)).toEqual([`mail ${id}`]);
      },
    );
  },
);

type DriverQuery = (...args: unknown[]) => unknown;

/** Several statements at once, as PostgreSQL is sent them. */
interface Message {
  readonly statements: readonly { readonly sql: string }[];
  callback: (error: Error) => void;
}

function isMessage(query: unknown): query is Message {
  return typeof query === 'object' && query !== null && 'statements' in query;
}

/** The connection breaks when COMMIT is sent, before or after the server has done it. */
async function loseAtCommit(
  manager: EntityManager,
  when: 'before' | 'after',
  lost: () => void,
): Promise<void> {
  const client = (await manager.queryRunner!.connect()) as { query: DriverQuery };
  const query = client.query.bind(client);
  client.query = (...args) => {
    const message = isMessage(args[0]) ? args[0] : undefined;
    const sql = message ? message.statements.at(-1)!.sql : String(args[0]);
    if (!sql.endsWith('COMMIT')) return query(...args);
    client.query = query;
    lost();
    const reset = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
    if (message) {
      const { callback } = message;
      message.callback = () => callback(reset);
      return when === 'after' ? query(message) : callback(reset);
    }
    // One driver calls back, the other promises.
    const answer = args.at(-1);
    if (typeof answer !== 'function')
      return Promise.resolve(when === 'after' && query(...args)).then(() => Promise.reject(reset));
    const fail = () => (answer as (error: Error) => void)(reset);
    return when === 'after' ? query(...args.slice(0, -1), fail) : fail();
  };
}
