import type { DataSource } from 'typeorm';
import { SyncConfigError } from '../sync.errors.js';
import type { SyncClock } from '../sync.clock.js';
import { MysqlDatabase } from './mysql/mysql.database.js';
import { PostgresDatabase } from './postgres/postgres.database.js';
import { SqliteDatabase } from './sqlite/sqlite.database.js';
import type { SyncDatabase } from './sync.database.js';

/**
 * The module's database for the host's data source.
 * @throws SyncConfigError `SYNC_UNSUPPORTED_DATABASE`
 */
export function createSyncDatabase(host: DataSource, clock: SyncClock): SyncDatabase {
  const { options } = host;
  if (options.type === 'postgres') return new PostgresDatabase(host, clock);
  if (options.type === 'mysql' || options.type === 'mariadb') return new MysqlDatabase(host, clock);
  if (options.type === 'better-sqlite3') {
    assertIsFile(options.database);
    return new SqliteDatabase(host, clock);
  }
  throw new SyncConfigError(
    'SYNC_UNSUPPORTED_DATABASE',
    `the data source is of type '${options.type}', and the module works on 'postgres', 'mysql', 'mariadb' and ` +
      `'better-sqlite3'. Give it a data source of one of these: SyncModule.forRoot({ dataSource: '<name>' }).`,
  );
}

/** One in memory belongs to the connection that opened it, and the module needs its own. */
function assertIsFile(database: string): void {
  if (database !== '' && !database.includes(':memory:')) return;
  throw new SyncConfigError(
    'SYNC_UNSUPPORTED_DATABASE',
    `the data source's SQLite database is in memory, and the module needs connections of its own to it. Give it a ` +
      `file: TypeOrmModule.forRoot({ type: 'better-sqlite3', database: 'app.db' }).`,
  );
}
