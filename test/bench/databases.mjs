import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { startPostgres } from '../../tools/postgres/index.mjs';

/**
 * The server that all variants share: BENCH_DATABASE_URL, else DATABASE_URL, else the embedded one, which is as
 * durable as any other unless told otherwise. Every variant has a database of its own on it, gone afterwards.
 */
export async function openDatabases({ durable = true } = {}) {
  const given = process.env.BENCH_DATABASE_URL;
  const server = given ? { url: given, stop: async () => undefined } : await startPostgres({ durable });
  const admin = new pg.Client({ connectionString: server.url });
  await admin.connect();
  const names = [];
  const clients = [];
  let closing;

  return {
    description: await describe(admin),

    /** A new empty database. */
    async create() {
      const name = `hybrid_sync_bench_${randomBytes(6).toString('hex')}`;
      await admin.query(`CREATE DATABASE ${name}`);
      names.push(name);
      const url = new URL(server.url);
      url.pathname = `/${name}`;
      const client = new pg.Client({ connectionString: url.href });
      await client.connect();
      clients.push(client);
      return {
        url: url.href,
        sql: async (text, params) => (await client.query(text, params)).rows,
        count: async (table) => Number((await client.query(`SELECT count(*) AS n FROM ${table}`)).rows[0].n),
      };
    },

    /** The processes of the server. */
    async serverPids() {
      const { rows } = await admin.query('SELECT pid FROM pg_stat_activity');
      return rows.map(({ pid }) => pid);
    },

    close() {
      return (closing ??= (async () => {
        for (const client of clients) await client.end();
        for (const name of names) await admin.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
        await admin.end();
        await server.stop();
      })());
    },
  };
}

async function describe(admin) {
  const names = ['server_version', 'fsync', 'synchronous_commit', 'shared_buffers'];
  const { rows } = await admin.query(
    'SELECT name, current_setting(name) AS value FROM unnest($1::text[]) AS name',
    [names],
  );
  const [version, ...rest] = rows.map(({ name, value }) => `${name}=${value}`);
  return `PostgreSQL ${version.split('=')[1]}, ${rest.join(', ')}`;
}
