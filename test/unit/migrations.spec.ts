import { syncEntities, syncMigrations } from 'nestjs-hybrid-sync';
import { DataSource, type DataSourceOptions } from 'typeorm';
import { isDataError } from '../../lib/database/database.errors.js';
import { createSyncDatabase } from '../../lib/database/database.factory.js';
import { SyncClock } from '../../lib/sync.clock.js';
import { createDatabase, databaseKind, databaseType, type TestDatabase } from '../support/database.js';
import { itOn } from '../support/only-on.js';
import { sqlOn } from '../support/sql.js';

/** Names of tables, but for those that count migrations. */
const TABLES = {
  postgres: `SELECT tablename AS name FROM pg_tables WHERE schemaname = $1`,
  mysql: `SELECT TABLE_NAME AS name FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE()`,
  sqlite: `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'`,
}[databaseKind];

describe('the migrations', () => {
  let database: TestDatabase;
  let source: DataSource;

  async function connect(options: Partial<DataSourceOptions> = {}): Promise<DataSource> {
    return new DataSource({
      ...database.options,
      entities: syncEntities(databaseType, options.entityPrefix),
      migrations: syncMigrations,
      ...options,
    } as DataSourceOptions).initialize();
  }

  beforeEach(async () => {
    database = await createDatabase();
  });
  afterEach(async () => {
    await source?.destroy();
    await database.drop();
  });

  const tables = async (schema = 'public') => {
    const rows = await source.query<{ name: string }[]>(TABLES, databaseKind === 'postgres' ? [schema] : []);
    return rows
      .map(({ name }) => name)
      .filter((name) => !name.endsWith('migrations'))
      .sort();
  };
  /** What TypeORM would still do to make the tables fit the entities. */
  const drift = async () =>
    (await source.driver.createSchemaBuilder().log()).upQueries.map(({ query }) => query);
  const ours = ['connection', 'cursor', 'event', 'finding', 'mark', 'pause', 'record', 'run'].map(
    (name) => `sync_${name}`,
  );
  const undoAll = async () => {
    for (const _ of syncMigrations) await source.undoLastMigration();
  };

  it('make just what the entities say, can be taken back, and made again', async () => {
    source = await connect();
    await source.runMigrations();
    expect(await tables()).toEqual(ours);
    expect(await drift()).toEqual([]);
    await undoAll();
    expect(await tables()).toEqual([]);
    await source.runMigrations();
    expect(await drift()).toEqual([]);
  });

  it('take names from the host', async () => {
    source = await connect({ entityPrefix: 'app_' });
    await source.runMigrations();
    expect(await tables()).toEqual(ours.map((name) => `app_${name}`));
    expect(await drift()).toEqual([]);
    await undoAll();
    expect(await tables()).toEqual([]);
  });

  itOn('postgres', 'elsewhere a database has no schemas')('take schema and names from the host', async () => {
    source = await connect({ schema: 'billing', entityPrefix: 'app_' });
    await source.query('CREATE SCHEMA billing');
    await source.runMigrations();
    expect(await tables('billing')).toEqual(ours.map((name) => `app_${name}`));
    expect(await tables()).toEqual([]);
    expect(await drift()).toEqual([]);
    await undoAll();
    expect(await tables('billing')).toEqual([]);
  });

  it('leave alone what a host with synchronize has made', async () => {
    source = await connect({ synchronize: true });
    const sql = sqlOn(source);
    await sql(
      `INSERT INTO sync_connection (source, connection_id, start_at) VALUES ('stripe', 'default', now())`,
    );
    await source.runMigrations();
    expect(await drift()).toEqual([]);
    expect(await source.query('SELECT source FROM sync_connection')).toEqual([{ source: 'stripe' }]);
  });

  it('are run once by processes that boot together, and again by none', async () => {
    source = await connect({ migrations: [] });
    const processes = await Promise.all(Array.from({ length: 4 }, () => connect({ migrations: [] })));
    const migrate = async (host: DataSource) => {
      const own = createSyncDatabase(host, new SyncClock());
      await own.open();
      await own.migrate();
      await own.close();
    };
    try {
      await Promise.all(processes.map(migrate));
      await migrate(source);
      expect(await drift()).toEqual([]);
      expect(await source.query('SELECT name FROM sync_migrations')).toEqual(
        syncMigrations.map(({ name }) => ({ name })),
      );
    } finally {
      await Promise.all(processes.map((process) => process.destroy()));
    }
  });

  it('compare keys to the byte: by case, and by a trailing space', async () => {
    source = await connect();
    await source.runMigrations();
    const key = Buffer.alloc(16);
    const insert = (handler: string) =>
      sqlOn(source)(
        `INSERT INTO sync_mark (record_key, event_id, handler, state) VALUES ($1, 0, $2, 'done')`,
        [key, handler],
      );
    // MySQL takes the last one for the first: such a name of a handler is refused at boot.
    const names = ['Billing.save', 'billing.save', ...(databaseKind === 'mysql' ? [] : ['Billing.save '])];
    for (const name of names) await insert(name);
    const error: unknown = await insert('Billing.save').catch((refusal: unknown) => refusal);
    expect(isDataError(error)).toBe(true);
  });
});
