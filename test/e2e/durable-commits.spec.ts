import { DataSource } from 'typeorm';
import { startHost } from '../support/host.js';
import { createDatabase } from '../support/database.js';

describe('a database that answers a COMMIT before it is on disk', () => {
  it('is made to store deliveries durably all the same', async () => {
    const database = await createDatabase();
    const admin = await new DataSource({ type: 'postgres', url: database.url }).initialize();
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
  });
});
