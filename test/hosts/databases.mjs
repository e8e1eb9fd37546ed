import { Client } from 'pg';

/**
 * A new empty database on a server.
 * @param {string} serverUrl
 * @returns {Promise<{ url: string, drop(): Promise<void> }>} its URL
 */
export async function createDatabase(serverUrl, name) {
  const database = `${name.replaceAll('-', '_')}_${process.pid}`;
  await onServer(serverUrl, `CREATE DATABASE ${database}`);
  const url = new URL(serverUrl);
  url.pathname = `/${database}`;
  return {
    url: url.href,
    drop: () => onServer(serverUrl, `DROP DATABASE IF EXISTS ${database} WITH (FORCE)`),
  };
}

async function onServer(connectionString, statement) {
  const client = new Client({ connectionString });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
