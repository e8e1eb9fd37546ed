import { Injectable } from '@nestjs/common';
import { OnSyncEvent, SyncContext, SyncEvent } from 'nestjs-hybrid-sync';
import { createDatabase } from '../support/database.js';
import { startHost, until, type Host } from '../support/host.js';
import { describeOn, itOn, NOBODY_ELSE_WRITES, SERVERS } from '../support/only-on.js';
import { Effect, effects, Gate, quick, send, settled, write } from '../support/scenario.js';

@Injectable()
class Billing {
  hold: (recordId: string) => Promise<void> = () => Promise.resolve();

  @OnSyncEvent('stripe', 'customer.*', { name: 'book', hydrate: false })
  async book(_event: SyncEvent, { record, manager }: SyncContext) {
    await write(manager, 'book', record.id);
    await this.hold(record.id);
  }
}

const about = (id: string) => ({ object: 'customer', id });

describe('the module and the host on one database', () => {
  let host: Host;
  beforeEach(async () => {
    host = await startHost({ ...quick, providers: [Billing] });
  });
  afterEach(() => host.close());

  itOn(SERVERS, NOBODY_ELSE_WRITES)(
    'deliveries wait for no handler, whichever record they are about',
    async () => {
      const gate = new Gate();
      host.app.get(Billing).hold = (id) => (id === 'cus_m' ? gate.pass() : Promise.resolve());
      await send(host, about('cus_m'));
      await gate.reached;
      // Rows beside those that the open transaction has locked, in every index.
      const others = Array.from({ length: 40 }, (_, i) => about(i % 4 === 0 ? 'cus_m' : `cus_${i}`));
      await Promise.all(others.map((object) => send(host, object)));
      await until(async () => (await effects(host)).length === 30);
      gate.release();
      await settled(host);
      expect(await effects(host)).toHaveLength(41);
    },
  );

  it('processes that are given the same events in different order all store them, each once', async () => {
    const beside = await startHost({ ...quick, providers: [Billing], beside: host });
    try {
      const ids = Array.from({ length: 120 }, (_, i) => `evt_${i}`);
      const storm = (on: Host, order: string[]) =>
        Promise.all(order.map((id) => send(on, about(`cus_${id}`), { id, created: 1_700_000_000 })));
      await Promise.all([
        storm(host, ids),
        storm(beside, ids.toReversed()),
        storm(beside, ids),
        storm(host, ids),
      ]);
      await settled(host);
      expect(await effects(host)).toHaveLength(ids.length);
    } finally {
      await beside.close();
    }
  });

  it('what is accepted in the middle of a transaction of the host is not lost with it', async () => {
    const runner = host.dataSource.createQueryRunner();
    await runner.startTransaction();
    await send(host, about('cus_1'));
    // The host writes, so that on SQLite nobody else can; and goes on while a delivery waits for it.
    await runner.manager.insert(Effect, { handler: 'host', subject: 'gone' });
    const waiting = send(host, about('cus_2'));
    await runner.manager.insert(Effect, { handler: 'host', subject: 'gone too' });
    await runner.rollbackTransaction();
    await runner.release();
    await waiting;
    await settled(host);
    expect((await effects(host)).sort()).toEqual(['book cus_1', 'book cus_2']);
  });

  itOn('mysql', 'elsewhere a limit ends with its transaction')(
    'the host’s connections have their own limits again after a handler',
    async () => {
      const limit = `SELECT @@SESSION.wait_timeout AS wait, @@SESSION.idle_transaction_timeout AS idle`;
      const [before] = await host.sql(limit);
      host.app.get(Billing).hold = async (id) => {
        if (id === 'cus_3') throw new Error('not this one');
      };
      await Promise.all(['cus_1', 'cus_2', 'cus_3'].map((id) => send(host, about(id))));
      await until(async () => (await effects(host)).length === 2);
      const all = await Promise.all(Array.from({ length: 10 }, () => host.sql(limit)));
      expect(all.flat()).toEqual(all.map(() => before));
    },
  );
});

describe('tables that a newer version has added to', () => {
  let host: Host;
  afterEach(() => host.close());

  it('serve this version as before', async () => {
    host = await startHost({ ...quick, providers: [Billing] });
    for (const table of ['sync_event', 'sync_record', 'sync_mark', 'sync_connection', 'sync_pause']) {
      await host.sql(`ALTER TABLE ${table} ADD COLUMN added_later varchar(10)`);
      await host.sql(`ALTER TABLE ${table} ADD COLUMN added_too int DEFAULT 7 NOT NULL`);
    }
    await host.sql('CREATE TABLE sync_later (id int PRIMARY KEY)');
    const id = await send(host, about('cus_1'));
    await settled(host);
    await host.sync.replay({ eventId: id }, { handlers: 'all' });
    await until(async () => (await effects(host)).length === 2);
    await host.sync.pause({ source: 'stripe' });
    await host.sync.resume({ source: 'stripe' });
    expect((await host.sync.erase({ source: 'stripe', resource: 'customer', id: 'cus_1' })).events).toBe(1);
  });
});

describeOn(SERVERS, 'SQLite has no replicas')('a data source with replicas', () => {
  it('is read where it is written, by the module: a replica may be behind', async () => {
    const [database, replica] = [await createDatabase(), await createDatabase()];
    const host = await startHost({
      ...quick,
      database,
      providers: [Billing],
      typeorm: {
        url: undefined,
        replication: { master: { url: database.url }, slaves: [{ url: replica.url }] },
      },
    });
    try {
      await send(host, about('cus_1'));
      const master = host.dataSource.createQueryRunner('master');
      const booked = () => master.manager.find(Effect);
      await until(async () => (await booked()).length === 1);
      await host.sync.idle();
      expect((await booked()).map(({ subject }) => subject)).toEqual(['cus_1']);
      await master.release();
    } finally {
      await host.close();
      await database.drop();
      await replica.drop();
    }
  });
});
