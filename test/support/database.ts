import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SyncDatabaseType } from 'nestjs-hybrid-sync';
import { DataSource, type DataSourceOptions } from 'typeorm';

export interface TestDatabase {
  /** Connection string of a superuser; of SQLite, the file. */
  url: string;
  /** As TypeORM wants it. */
  options: DataSourceOptions & { type: SyncDatabaseType };
  /** Removes the database, whoever is still connected to it. */
  drop(): Promise<void>;
}

/** The kind of database that this run is on. */
export const databaseType = (process.env.TEST_DATABASE_TYPE ?? 'postgres') as SyncDatabaseType;

/** A new empty database on the server of this run. */
export async function createDatabase(): Promise<TestDatabase> {
  const name = `test_${randomBytes(6).toString('hex')}`;
  if (databaseType === 'better-sqlite3') {
    const file = join(tmpdir(), `${name}.db`);
    const drop = async () => ['', '-wal', '-shm'].forEach((end) => rmSync(file + end, { force: true }));
    return { url: file, options: { type: databaseType, database: file, timeout: 2_000 }, drop };
  }
  const server = serverUrl();
  await onServer(server, `CREATE DATABASE ${name}`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  const force = databaseType === 'postgres' ? ' WITH (FORCE)' : '';
  return {
    url: url.href,
    options: { type: databaseType, url: url.href } as TestDatabase['options'],
    drop: () => onServer(server, `DROP DATABASE IF EXISTS ${name}${force}`),
  };
}

function serverUrl(): string {
  const url = process.env.TEST_DATABASE_URL;
  if (!url) throw new Error('TEST_DATABASE_URL is not set: run the tests with `npm test`.');
  return url;
}

async function onServer(url: string, statement: string): Promise<void> {
  const server = await new DataSource({ type: databaseType, url } as DataSourceOptions).initialize();
  try {
    await server.query(statement);
  } finally {
    await server.destroy();
  }
}
