import { startPostgres } from '../../tools/postgres/index.mjs';

/** One server for the whole run; every spec file makes its own database on it. */
export default async function globalSetup() {
  const type = process.env.TEST_DATABASE_TYPE ?? 'postgres';
  if (type === 'better-sqlite3') return;
  if (type === 'postgres') {
    globalThis.testPostgres = await startPostgres({ durable: false });
    process.env.TEST_DATABASE_URL = globalThis.testPostgres.url;
    return;
  }
  process.env.TEST_DATABASE_URL = process.env.MARIADB_URL;
  if (!process.env.MARIADB_URL) {
    const failure = new Error(
      'MARIADB_URL is not set: give it a MariaDB or MySQL server on which databases may be created, mysql://root@127.0.0.1:3306 say.',
    );
    // One line is all there is to say.
    failure.stack = failure.message;
    throw failure;
  }
}
