import { startPostgres } from '../../tools/postgres/index.mjs';

/** One server for the whole run; every spec file makes its own database on it. */
export default async function globalSetup() {
  globalThis.testPostgres = await startPostgres({ durable: false });
  process.env.TEST_DATABASE_URL = globalThis.testPostgres.url;
}
