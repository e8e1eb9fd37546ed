import { startPostgres } from '../../tools/postgres/index.mjs';
import { startMariaDb } from '../../tools/servers/mariadb.mjs';

/** One server for the whole run; every spec file makes its own database on it. */
export default async function globalSetup() {
  const type = process.env.TEST_DATABASE_TYPE ?? 'postgres';
  if (type === 'better-sqlite3') return;
  globalThis.testDatabase = await (type === 'postgres' ? startPostgres({ durable: false }) : startMariaDb());
  process.env.TEST_DATABASE_URL = globalThis.testDatabase.url;
}
