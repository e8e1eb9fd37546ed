import { Injectable } from '@nestjs/common';
import { OnSyncEvent, SyncContext, SyncEvent } from 'nestjs-hybrid-sync';
import { DataSource } from 'typeorm';
import { createDatabase } from '../support/database.js';
import { startHost } from '../support/host.js';
import { effects, quick, send, settled, write } from '../support/scenario.js';

const seen = new Set<string>();

@Injectable()
class Billing {
  @OnSyncEvent('stripe', 'customer.*', { name: 'book' })
  async book(event: SyncEvent, { manager }: SyncContext) {
    const [row] = await manager.query<{ level: string }[]>(
      `SELECT current_setting('transaction_isolation') AS level`,
    );
    seen.add(row!.level);
    await write(manager, 'book', event.id);
  }
}

describe.each(['repeatable read', 'serializable'])(
  'promise 2, once, at a database that is %s by default',
  (level) => {
    it('handlers are read committed, and two processes do not fail by each other', async () => {
      const database = await createDatabase();
      const admin = await new DataSource({ type: 'postgres', url: database.url }).initialize();
      const name = new URL(database.url).pathname.slice(1);
      await admin.query(`ALTER DATABASE ${name} SET default_transaction_isolation = '${level}'`);
      const host = await startHost({ ...quick, providers: [Billing], database });
      const other = await startHost({ ...quick, providers: [Billing], beside: host });
      try {
        const customers = Array.from({ length: 15 }, () =>
          host.stripe.create('customer', {}, { delivery: 'unlogged' }),
        );
        const sent = customers.flatMap((customer) =>
          [host, other, host, other].map((process) => send(process, customer)),
        );
        const ids = await Promise.all(sent);
        await settled(host);
        expect((await effects(host)).sort()).toEqual(ids.map((id) => `book ${id}`).sort());
        expect([...seen]).toEqual(['read committed']);
      } finally {
        await other.close();
        await host.close();
        await admin.destroy();
        await database.drop();
      }
    });
  },
);
