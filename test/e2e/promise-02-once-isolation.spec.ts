import { Injectable } from '@nestjs/common';
import { OnSyncEvent, SyncContext, SyncEvent } from 'nestjs-hybrid-sync';
import type { EntityManager } from 'typeorm';
import { createDatabase, databaseKind, onServer, type TestDatabase } from '../support/database.js';
import { startHost, type Host } from '../support/host.js';
import { describeOn, SERVERS } from '../support/only-on.js';
import { effects, quick, send, settled, write } from '../support/scenario.js';

const LEVEL = {
  postgres: `SELECT current_setting('transaction_isolation') AS level`,
  mysql: `SELECT trx_isolation_level AS level FROM information_schema.INNODB_TRX WHERE trx_mysql_thread_id = CONNECTION_ID()`,
  sqlite: '',
}[databaseKind];

/** What the open transaction is. */
async function levelIn(manager: EntityManager): Promise<string> {
  for (;;) {
    const [row] = await manager.query<{ level: string }[]>(LEVEL);
    if (row) return row.level.toLowerCase();
    // MySQL makes its list of them anew when nobody has asked for a tenth of a second.
    await manager.query('SELECT SLEEP(0.15)');
  }
}

const POOL_SIZE = 10;

let levels: Promise<string>[] = [];

@Injectable()
class Billing {
  @OnSyncEvent('stripe', 'customer.*', { name: 'book' })
  async book(event: SyncEvent, { manager }: SyncContext) {
    // Of MySQL only one may ask: see above.
    if (databaseKind === 'postgres' || levels.length === 0) levels.push(levelIn(manager));
    await Promise.all(levels);
    await write(manager, 'book', event.id);
  }
}

async function databaseOf(level: string): Promise<TestDatabase> {
  const database = await createDatabase();
  const name = new URL(database.url).pathname.slice(1);
  if (databaseKind === 'postgres')
    await onServer(`ALTER DATABASE ${name} SET default_transaction_isolation = '${level}'`);
  return database;
}

/** MySQL has a level for each session: here for all of a host's pool. */
async function setLevelOf(host: Host, level: string): Promise<void> {
  const pool = Array.from({ length: POOL_SIZE }, () => host.dataSource.createQueryRunner());
  await Promise.all(pool.map((runner) => runner.query(`SET SESSION TRANSACTION ISOLATION LEVEL ${level}`)));
  await Promise.all(pool.map((runner) => runner.release()));
}

describeOn(SERVERS, 'SQLite knows one level').each(['repeatable read', 'serializable'])(
  'promise 2, once, at a database that is %s by default',
  (level) => {
    it('handlers are read committed, and two processes do not fail by each other', async () => {
      levels = [];
      const database = await databaseOf(level);
      const options = { ...quick, providers: [Billing], poolSize: POOL_SIZE };
      const host = await startHost({ ...options, database });
      const other = await startHost({ ...options, beside: host });
      try {
        if (databaseKind === 'mysql') await Promise.all([host, other].map((each) => setLevelOf(each, level)));
        const customers = Array.from({ length: 15 }, () =>
          host.stripe.create('customer', {}, { delivery: 'unlogged' }),
        );
        const sent = customers.flatMap((customer) =>
          [host, other, host, other].map((process) => send(process, customer)),
        );
        const ids = await Promise.all(sent);
        await settled(host);
        expect((await effects(host)).sort()).toEqual(ids.map((id) => `book ${id}`).sort());
        expect([...new Set(await Promise.all(levels))]).toEqual(['read committed']);
      } finally {
        await other.close();
        await host.close();
        await database.drop();
      }
    });
  },
);
