import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Type } from '@nestjs/common';
import type { SyncDatabaseType } from 'nestjs-hybrid-sync';
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

/** A new empty database on the server of this run. */
export async function createDatabase(): Promise<TestDatabase> {
  const name = `test_${randomBytes(6).toString('hex')}`;
  if (databaseType === 'better-sqlite3') {
    const file = join(tmpdir(), `${name}.db`);
    const drop = async () => ['', '-wal', '-shm'].forEach((end) => rmSync(file + end, { force: true }));
    return { url: file, options: { type: databaseType, database: file, timeout: 2_000 }, drop };
  }
  await onServer(`CREATE DATABASE ${name} ${await howToCreate()}`);
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

let createdBy: Promise<string> | undefined;

/** On Postgres the fastest way: where nothing is synchronised, copying files takes a fifth of the time. */
function howToCreate(): Promise<string> {
  // For tables of the tests' own; the module's say for themselves what they hold.
  if (databaseKind === 'mysql') return Promise.resolve('CHARACTER SET utf8mb4');
  return (createdBy ??= onServer<{ version: number }[]>(
    `SELECT current_setting('server_version_num')::int AS version`,
  ).then(([row]) => (row!.version >= 150_000 ? 'STRATEGY FILE_COPY' : '')));
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
