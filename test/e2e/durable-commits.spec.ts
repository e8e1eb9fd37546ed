import { Logger } from '@nestjs/common';
import { SyncDatabase } from '../../lib/database/sync.database.js';
import { connectTo, createDatabase, onServer, type TestDatabase } from '../support/database.js';
import { startHost } from '../support/host.js';
import { itOn } from '../support/only-on.js';

describe('a database that answers a COMMIT before it is on disk', () => {
  itOn('postgres', 'only there each transaction can choose')(
    'is made to store deliveries durably all the same',
    async () => {
      const database = await createDatabase();
      const admin = await connectTo(database);
      await admin.query(
        `ALTER DATABASE ${new URL(database.url).pathname.slice(1)} SET synchronous_commit = off`,
      );
      const host = await startHost({ database });
      try {
        await admin.query(`CREATE TABLE seen (commits text)`);
        await admin.query(
          `CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS
           $$ BEGIN INSERT INTO seen VALUES (current_setting('synchronous_commit')); RETURN NEW; END $$`,
        );
        await admin.query(
          `CREATE TRIGGER note BEFORE INSERT ON sync_event FOR EACH ROW EXECUTE FUNCTION note()`,
        );
        host.stripe.create('customer');
        await host.stripe.flush();
        expect(await admin.query('SELECT DISTINCT commits FROM seen')).toEqual([{ commits: 'on' }]);
      } finally {
        await host.close();
        await admin.destroy();
        await database.drop();
      }
    },
  );

  itOn('mysql', 'there it is the server’s choice')('is told of at boot', async () => {
    const warnings: string[] = [];
    const warn = (message: unknown) => void warnings.push(String(message));
    await onServer('SET GLOBAL innodb_flush_log_at_trx_commit = 2');
    try {
      const ignore = () => undefined;
      const nest = { logger: { log: ignore, error: ignore, warn } };
      await (await startHost({ nest })).close();
    } finally {
      await onServer('SET GLOBAL innodb_flush_log_at_trx_commit = 1');
      Logger.overrideLogger(false);
    }
    expect(warnings).toEqual([expect.stringMatching(/innodb_flush_log_at_trx_commit is 2.*Set it to 1/)]);
  });

  itOn('sqlite', 'there it is each connection’s choice')(
    'is made to keep what the module writes, as the host opens it otherwise',
    async () => {
      const database = await createDatabase();
      const pragmas: string[] = [];
      const prepareDatabase = (handle: { pragma(text: string): unknown }) => {
        pragmas.push('of the host');
        handle.pragma('synchronous = OFF');
        handle.pragma('busy_timeout = 5000');
      };
      const options = { ...database.options, prepareDatabase } as TestDatabase['options'];
      const host = await startHost({ database: { ...database, options } });
      try {
        const own = host.app.get(SyncDatabase, { strict: false });
        expect(await own.query('PRAGMA synchronous')).toEqual([{ synchronous: 2 }]);
        await own.transaction(async (query) => {
          expect(await query('PRAGMA synchronous')).toEqual([{ synchronous: 2 }]);
          expect(await query('PRAGMA busy_timeout')).toEqual([{ timeout: 0 }]);
        });
        // The host's connection, two of the module's, and the one that migrated.
        expect(pragmas).toHaveLength(4);
      } finally {
        await host.close();
        await database.drop();
      }
    },
  );
});
