import { jest } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { OnSyncAlarm, OnSyncEvent, SyncAlarm, SyncContext, SyncEvent } from 'nestjs-hybrid-sync';
import { FakeStripe } from 'nestjs-hybrid-sync/testing';
import type { DataSource } from 'typeorm';
import { compileChildProgram, type ChildOptions, type ChildProgram } from '../support/child-app.js';
import { ChildEffect } from '../support/child-effect.js';
import { connectTo, createDatabase, type TestDatabase } from '../support/database.js';
import { startHost, until, type Host } from '../support/host.js';
import { sqlOn, type Sql } from '../support/sql.js';

/** Of one who survives. */
@Injectable()
class Billing {
  readonly handled: string[] = [];
  readonly alarms: SyncAlarm[] = [];

  @OnSyncEvent('stripe', 'customer.*', { name: 'first' })
  first({ type }: SyncEvent, { record }: SyncContext) {
    this.handled.push(`${record.id} ${type}`);
  }

  @OnSyncAlarm()
  alarm(alarm: SyncAlarm) {
    this.alarms.push(alarm);
  }
}

// What is waited for here takes its time on a busy machine: processes start, connections are given up.
jest.setTimeout(60_000);

describe('one bad thing stops one thing: an event that kills its process', () => {
  const innocents = Array.from({ length: 20 }, (_, i) => `cus_innocent_${i}`);
  let program: ChildProgram;
  let database: TestDatabase;
  let stripe: FakeStripe;
  let db: DataSource;
  let sql: Sql;
  let host: Host | undefined;

  beforeAll(async () => {
    program = compileChildProgram();
    database = await createDatabase();
    stripe = await FakeStripe.start();
    db = await connectTo(database, [ChildEffect]);
    await db.synchronize();
    sql = sqlOn(db);
  });
  afterAll(async () => {
    await host?.app.close();
    await program.close();
    await stripe.close();
    await db.destroy();
    await database.drop();
  });

  async function starts(): Promise<number> {
    const rows = await sql<{ starts: number }>(
      `SELECT starts FROM sync_record WHERE record_id = 'cus_killer'`,
    );
    return rows[0]!.starts;
  }

  /** Each process that takes the event on ends at once, with whatever else it had under way. */
  function start(options: Partial<ChildOptions> = {}) {
    const sync = { leaseMs: 600, sweepEveryMs: 50 };
    return program.start({ database, stripe, sync, holdAt: { cus_killer: 'exit' }, ...options });
  }

  it('takes others down with it twice at most; from then on it is run alone', async () => {
    const busy = await start({
      sync: { leaseMs: 600, maxPasses: 1 },
      holdAt: { cus_busy: 'outside-written' },
    });
    stripe.deliverTo(busy.webhookUrl);
    stripe.create('customer', { id: 'cus_busy' });
    await busy.held('cus_busy');
    for (const id of ['cus_killer', ...innocents]) stripe.create('customer', { id });
    await stripe.flush();
    stripe.deliverTo(null);
    await busy.kill();

    for (const time of [1, 2]) {
      expect(await (await start()).ended).toBe(7);
      expect(await starts()).toBe(time);
    }
    expect(await (await start()).ended).toBe(7);
    expect(await starts()).toBe(3);
    const rows = await sql('SELECT record_id FROM sync_record WHERE starts > 2');
    expect(rows).toEqual([{ record_id: 'cus_killer' }]);
  });

  it('is dead after five, says so, and the others have lost nothing', async () => {
    await sql(`UPDATE sync_record SET starts = 5 WHERE record_id = 'cus_killer'`);
    host = await startHost({
      beside: { database, stripe } as Host,
      providers: [Billing],
      sync: { sweepEveryMs: 50 },
    });
    const { alarms, handled } = host.app.get(Billing);
    await until(() => alarms.length > 0);
    expect(alarms).toMatchObject([{ kind: 'dead', record: { id: 'cus_killer' } }]);
    const rows = await sql(`SELECT record_id, reason FROM sync_event WHERE state = 'dead'`);
    expect(rows).toEqual([{ record_id: 'cus_killer', reason: 'crashed' }]);
    expect(handled).not.toContain('cus_killer customer.created');

    await until(async () => (await sql(`SELECT FROM sync_event WHERE state = 'waiting'`)).length === 0);
    const done = await sql<{ record_id: string }>(`SELECT record_id FROM effect WHERE handler = 'first'`);
    const handledBy = [...done.map((row) => row.record_id), ...handled.map((line) => line.split(' ')[0]!)];
    // All, and none of them twice.
    expect(handledBy).toHaveLength(innocents.length + 1);
    expect(new Set(handledBy)).toEqual(new Set([...innocents, 'cus_busy']));
  });

  it('can be replayed, and its record goes on', async () => {
    await host!.sync.replay({ recordId: 'cus_killer' });
    await host!.sync.idle();
    expect(host!.app.get(Billing).handled).toContain('cus_killer customer.created');
    expect(await starts()).toBe(0);
  });
});
