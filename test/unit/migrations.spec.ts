import { syncEntities, syncMigrations } from 'nestjs-hybrid-sync';
import { DataSource, type DataSourceOptions } from 'typeorm';
import { createSyncDatabase } from '../../lib/database/database.factory.js';
import { SyncClock } from '../../lib/sync.clock.js';
import { createDatabase, type TestDatabase } from '../support/database.js';

describe('the migrations', () => {
  let database: TestDatabase;
  let source: DataSource;

  async function connect(options: Partial<DataSourceOptions> = {}): Promise<DataSource> {
    return new DataSource({
      type: 'postgres',
      url: database.url,
      entities: syncEntities('postgres'),
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

  const tables = async (schema = 'public') =>
    (
      await source.query<{ name: string }[]>(
        `SELECT tablename AS name FROM pg_tables WHERE schemaname = $1 AND tablename NOT LIKE '%migrations' ORDER BY 1`,
        [schema],
      )
    ).map(({ name }) => name);
  /** What TypeORM would still do to make the tables fit the entities. */
  const drift = async () =>
    (await source.driver.createSchemaBuilder().log()).upQueries.map(({ query }) => query);
  const ours = ['sync_connection', 'sync_event', 'sync_mark', 'sync_pause', 'sync_record'];

  it('make just what the entities say, can be taken back, and made again', async () => {
    source = await connect();
    await source.runMigrations();
    expect(await tables()).toEqual(ours);
    expect(await drift()).toEqual([]);
    for (const _ of syncMigrations) await source.undoLastMigration();
    expect(await tables()).toEqual([]);
    await source.runMigrations();
    expect(await drift()).toEqual([]);
  });

  it('take schema and names from the host', async () => {
    source = await connect({ schema: 'billing', entityPrefix: 'app_' });
    await source.query('CREATE SCHEMA billing');
    await source.runMigrations();
    expect(await tables('billing')).toEqual(ours.map((name) => `app_${name}`));
    expect(await tables()).toEqual([]);
    expect(await drift()).toEqual([]);
    await source.undoLastMigration();
    expect(await tables('billing')).toEqual([]);
  });

  it('leave alone what a host with synchronize has made', async () => {
    source = await connect({ synchronize: true });
    await source.query(`INSERT INTO sync_connection (source, connection_id) VALUES ('stripe', 'default')`);
    await source.runMigrations();
    expect(await drift()).toEqual([]);
    expect(await source.query('SELECT source FROM sync_connection')).toEqual([{ source: 'stripe' }]);
  });

  it('are run once by processes that boot together, and again by none', async () => {
    source = await connect({ migrations: [] });
    const processes = await Promise.all(Array.from({ length: 4 }, () => connect({ migrations: [] })));
    const migrate = (host: DataSource) => createSyncDatabase(host, new SyncClock()).migrate();
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
    const insert = (key: string) =>
      source.query(
        `INSERT INTO sync_mark (record_key, event_id, handler, state) VALUES ('', 0, $1, 'done')`,
        [key],
      );
    for (const key of ['Billing.save', 'billing.save', 'Billing.save ']) await insert(key);
    await expect(insert('Billing.save')).rejects.toMatchObject({ driverError: { code: '23505' } });
  });
});
