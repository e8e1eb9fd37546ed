import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Type } from '@nestjs/common';
import { syncEntities, syncMigrations, type SyncDatabaseType } from 'nestjs-hybrid-sync';
import { Client } from 'pg';
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

/** MariaDB is one to the tests as to the library. */
export type DatabaseKind = 'postgres' | 'mysql' | 'sqlite';

export const databaseKind = (
  { postgres: 'postgres', mysql: 'mysql', mariadb: 'mysql', 'better-sqlite3': 'sqlite' } as const
)[databaseType];

/**
 * A new database on the server of this run: empty, or where that is faster with the module's tables in it, as its migrations
 * make them.
 */
export async function createDatabase(how: { tables?: boolean } = {}): Promise<TestDatabase> {
  const name = `test_${randomBytes(6).toString('hex')}`;
  if (databaseType === 'better-sqlite3') {
    const file = join(tmpdir(), `${name}.db`);
    const drop = async () => ['', '-wal', '-shm'].forEach((end) => rmSync(file + end, { force: true }));
    return { url: file, options: { type: databaseType, database: file, timeout: 2_000 }, drop };
  }
  await onServer(`CREATE DATABASE ${name} ${await howToCreate(how.tables ?? false)}`);
  const url = new URL(serverUrl());
  url.pathname = `/${name}`;
  return {
    url: url.href,
    options: { type: databaseType, url: url.href } as TestDatabase['options'],
    drop:
      databaseKind === 'postgres'
        ? () => onServer(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`)
        : dropByForce,
  };

  /** MySQL would wait for whoever still uses one of its tables. */
  async function dropByForce(): Promise<void> {
    const connected = `SELECT ID AS id FROM information_schema.PROCESSLIST WHERE DB = '${name}'`;
    for (const { id } of await onServer<{ id: unknown }[]>(connected))
      await onServer(`KILL CONNECTION ${String(id)}`).catch(() => undefined);
    await onServer(`DROP DATABASE IF EXISTS ${name}`);
  }
}

let copies: Promise<boolean> | undefined;

async function howToCreate(tables: boolean): Promise<string> {
  // For tables of the tests' own; the module's say for themselves what they hold.
  if (databaseKind === 'mysql') return 'CHARACTER SET utf8mb4';
  const template = tables ? `TEMPLATE ${await templateWithTables()}` : '';
  return (await (copies ??= canCopyFiles())) ? `${template} STRATEGY FILE_COPY` : template;
}

/** Where nothing is synchronised, copying files takes a fifth of the time of the other way. */
async function canCopyFiles(): Promise<boolean> {
  const [row] = await onServer<{ version: number }[]>(
    `SELECT current_setting('server_version_num')::int AS version`,
  );
  return row!.version >= 150_000;
}

let template: Promise<string> | undefined;

/** Made once for all test files of a run, by whichever comes first. */
function templateWithTables(): Promise<string> {
  return (template ??= withServerLock(async (server) => {
    const name = 'with_sync_tables';
    const { rows } = await server.query('SELECT 1 FROM pg_database WHERE datname = $1', [name]);
    if (rows.length > 0) return name;
    await server.query(`CREATE DATABASE ${name}`);
    const url = new URL(serverUrl());
    url.pathname = `/${name}`;
    const tables = new DataSource({
      type: 'postgres',
      url: url.href,
      entities: syncEntities('postgres'),
      migrations: syncMigrations,
      migrationsTableName: 'sync_migrations',
      migrationsTransactionMode: 'each',
    });
    await tables.initialize();
    await tables.runMigrations();
    await tables.destroy();
    return name;
  }));
}

async function withServerLock<Result>(work: (server: Client) => Promise<Result>): Promise<Result> {
  const server = new Client({ connectionString: serverUrl() });
  await server.connect();
  try {
    await server.query('SELECT pg_advisory_lock(1)');
    return await work(server);
  } finally {
    await server.end();
  }
}

function serverUrl(): string {
  const url = process.env.TEST_DATABASE_URL;
  if (!url) throw new Error('TEST_DATABASE_URL is not set: run the tests with `npm test`.');
  return url;
}

/** A connection to it that is no application's. */
export function connectTo({ options }: TestDatabase, entities: Type<object>[] = []): Promise<DataSource> {
  return new DataSource({ ...options, entities }).initialize();
}

/** As an administrator, whichever database it is about. */
export async function onServer<Result = unknown>(statement: string): Promise<Result> {
  if (databaseKind === 'postgres') return onPostgres(statement);
  const options = { type: databaseType, url: serverUrl() } as DataSourceOptions;
  const server = await new DataSource(options).initialize();
  try {
    return await server.query<Result>(statement);
  } finally {
    await server.destroy();
  }
}

/** What nearly every test begins and ends with: TypeORM asks a server for a lot before its first statement. */
async function onPostgres<Result>(statement: string): Promise<Result> {
  const client = new Client({ connectionString: serverUrl() });
  await client.connect();
  try {
    return (await client.query(statement)).rows as Result;
  } finally {
    await client.end();
  }
}
