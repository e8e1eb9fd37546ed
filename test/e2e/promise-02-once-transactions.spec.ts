import { Injectable } from '@nestjs/common';
import { OnSyncAlarm, OnSyncEvent, SyncAlarm, SyncContext, SyncEvent } from 'nestjs-hybrid-sync';
import { startHost, until, type Host } from '../support/host.js';
import { Effect, effects, Gate, kill, pidOf, quick, send, settled, write } from '../support/scenario.js';

@Injectable()
class Billing {
  calls: string[] = [];
  alarms: SyncAlarm[] = [];
  play: (event: SyncEvent, context: SyncContext) => unknown = () => undefined;
  beside: () => unknown = () => undefined;

  @OnSyncEvent('stripe', 'customer.*', { name: 'book', timeoutMs: 250 })
  async book(event: SyncEvent, context: SyncContext) {
    this.calls.push(`book #${context.attempt}`);
    await write(context.manager, 'book', event.id);
    await this.play(event, context);
  }

  @OnSyncEvent('stripe', 'customer.*', { name: 'mail' })
  async mail(event: SyncEvent, context: SyncContext) {
    await this.beside();
    await write(context.manager, 'mail', event.id);
  }

  @OnSyncAlarm()
  alarm(alarm: SyncAlarm) {
    this.alarms.push(alarm);
  }
}

describe('promise 2, once, when the transaction is lost under the handler', () => {
  let host: Host;
  let billing: Billing;
  let id: string;

  beforeAll(async () => {
    host = await startHost({ ...quick, providers: [Billing], source: { ...quick.source, maxAttempts: 3 } });
    billing = host.app.get(Billing);
    await host.sql('CREATE UNIQUE INDEX ON effect (subject) WHERE handler = $$taken$$');
    await host.sql('CREATE TABLE later (subject text UNIQUE DEFERRABLE INITIALLY DEFERRED)');
  });
  afterAll(() => host?.close());

  beforeEach(async () => {
    Object.assign(billing, { calls: [], alarms: [], play: () => undefined, beside: () => undefined });
    await host.dataSource.getRepository(Effect).clear();
    await host.sql('DELETE FROM sync_event');
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

  it('a swallowed unique violation fails the attempt, and in the end the event is dead', async () => {
    billing.play = async (_event, { manager }) => {
      await write(manager, 'taken', 'x');
      await write(manager, 'taken', 'x').catch(() => undefined);
    };
    await deliver();
    await settled(host);
    expect(billing.calls).toEqual(['book #1', 'book #2', 'book #3']);
    expect(await effects(host)).toEqual([`mail ${id}`]);
    expect(await event()).toMatchObject({ state: 'dead', dead_by: '["book"]' });
    expect((await event()).error).toMatch(/^TransactionAbortedError: .*savepoint/);
    expect(billing.alarms.map(({ kind }) => kind)).toEqual(['dead']);
  });

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
      await write(manager, 'taken', 'y');
      await manager.transaction((inner) => write(inner, 'taken', 'y')).catch(() => undefined);
      await manager.delete(Effect, { handler: 'taken' });
    };
    await deliver();
    await settled(host);
    expect(billing.calls).toEqual(['book #1']);
    await once();
  });

  it('a swallowed deadlock fails the attempt', async () => {
    await host.sql(`INSERT INTO effect (handler, subject) VALUES ('row', 'a'), ('row', 'b')`);
    const lock = (subject: string) => `UPDATE effect SET handler = 'row' WHERE subject = '${subject}'`;
    const holding = new Gate();
    billing.play = async (_event, { manager, attempt }) => {
      if (attempt > 1) return;
      // The victim is whoever waits first.
      await manager.query(`SET LOCAL deadlock_timeout = '10ms'`);
      await manager.query(lock('a'));
      await holding.pass();
      await manager.query(lock('b')).catch(() => undefined);
    };
    await deliver();
    await holding.reached;
    const rival = host.dataSource.createQueryRunner();
    await rival.startTransaction();
    await rival.query(`SET LOCAL deadlock_timeout = '10s'`);
    await rival.query(lock('b'));
    const blocked = rival.query(lock('a'));
    await until(
      async () =>
        (
          await host.sql(
            `SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()`,
          )
        ).length > 0,
    );
    holding.release();
    await blocked;
    await rival.rollbackTransaction();
    await rival.release();
    await settled(host);
    await host.sql(`DELETE FROM effect WHERE handler = 'row'`);
    expect(billing.calls).toEqual(['book #1', 'book #2']);
    await once();
  });

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

  it('a handler that is stuck in a statement beyond its time is tried again', async () => {
    billing.play = async (_event, { manager, attempt }) => {
      if (attempt === 1) await manager.query('SELECT pg_sleep(12)');
    };
    await deliver();
    await settled(host);
    expect(billing.calls).toEqual(['book #1', 'book #2']);
    await once();
  }, 10_000);

  it.each(['idle', 'in a query'])('a session that is killed while the handler has it, %s', async (when) => {
    const [pid, gate] = [new Array<number>(), new Gate()];
    billing.play = async (_event, { manager }) => {
      if (pid.length > 0) return;
      pid.push(await pidOf(manager));
      if (when === 'idle') await gate.pass();
      else await manager.query('SELECT pg_sleep(10)');
    };
    await deliver();
    await until(() => pid.length > 0);
    await kill(host, pid[0]!);
    gate.release();
    await settled(host);
    // Nobody's fault: no attempt was used.
    expect(billing.calls).toEqual(['book #1', 'book #1']);
    await once();
  });

  it.each(['before', 'after'] as const)(
    'a connection that is lost at COMMIT, %s it has happened',
    async (when) => {
      let lost = 0;
      billing.play = async (_event, { manager }) => {
        if (lost > 0) return;
        const client = (await manager.queryRunner!.connect()) as {
          query: (...args: unknown[]) => Promise<unknown>;
        };
        const query = client.query.bind(client);
        client.query = async (...args) => {
          if (!String(args[0]).endsWith('COMMIT')) return query(...args);
          lost += 1;
          if (when === 'after') await query(...args);
          client.query = query;
          throw Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
        };
      };
      await deliver();
      await settled(host);
      expect(lost).toBe(1);
      expect(billing.calls).toEqual(when === 'before' ? ['book #1', 'book #1'] : ['book #1']);
      await once();
    },
  );

  it('what the database refuses at COMMIT is a failed attempt like any other', async () => {
    billing.play = (_event, { manager }) => manager.query(`INSERT INTO later VALUES ('x'), ('x')`);
    await deliver();
    await settled(host);
    expect(billing.calls).toEqual(['book #1', 'book #2', 'book #3']);
    expect(await event()).toMatchObject({ state: 'dead', dead_by: '["book"]' });
    expect((await event()).error).toMatch(/later_subject_key/);
    expect(await effects(host)).toEqual([`mail ${id}`]);
  });
});
