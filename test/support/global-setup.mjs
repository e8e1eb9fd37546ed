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
  const problem = await problemOf(process.env.MARIADB_URL);
  if (!problem) return;
  const failure = new Error(
    `MARIADB_URL ${problem}: start a MariaDB (10.6 or newer) or MySQL (8.0) and give a user who may create databases, ` +
      `MARIADB_URL=mysql://root@127.0.0.1:3306 say.`,
  );
  // One line is all there is to say.
  failure.stack = failure.message;
  throw failure;
}

/** @param {string | undefined} url */
async function problemOf(url) {
  if (!url) return 'is not set';
  const { createConnection } = await import('mysql2/promise');
  try {
    const connection = await createConnection({ uri: url, connectTimeout: 5_000 });
    await connection.end();
    return null;
  } catch (error) {
    return `names a server that cannot be used (${error.code ?? error.message})`;
  }
}
