import { DataSource, type EntityManager } from 'typeorm';
import { databaseKind } from './database.js';
import { until } from './host.js';
import type { Sql } from './sql.js';

/** Sessions of a database server, as an administrator sees them. SQLite has none. */

type On = { sql: Sql };

/** Of this database, those of whoever asks included. */
const SESSIONS = {
  postgres: `SELECT pid AS id FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend'`,
  mysql: `SELECT ID AS id FROM information_schema.PROCESSLIST WHERE DB = DATABASE()`,
};

/** Those that do nothing, and have a transaction open. */
const IDLE_IN_TRANSACTION = {
  postgres: `${SESSIONS.postgres} AND state LIKE 'idle in transaction%'`,
  mysql: `${SESSIONS.mysql} AND COMMAND = 'Sleep' AND ID IN (SELECT trx_mysql_thread_id FROM information_schema.INNODB_TRX)`,
};

const WAITING_FOR_LOCK = {
  postgres: `${SESSIONS.postgres} AND wait_event_type = 'Lock'`,
  mysql: `${SESSIONS.mysql} AND ID IN (SELECT trx_mysql_thread_id FROM information_schema.INNODB_TRX WHERE trx_state = 'LOCK WAIT')`,
};

/** MySQL's list of transactions is made anew when nobody has asked for it in a tenth of a second. */
const STALE_S = 0.15;

const of = (queries: { postgres: string; mysql: string }) =>
  async function ids({ sql }: On): Promise<number[]> {
    if (databaseKind === 'sqlite') return [];
    if (databaseKind === 'mysql' && queries.mysql.includes('INNODB_TRX'))
      await sql(`SELECT SLEEP(${STALE_S})`);
    return (await sql<{ id: unknown }>(queries[databaseKind])).map(({ id }) => Number(id));
  };

export const sessions = of(SESSIONS);
export const idleInTransaction = of(IDLE_IN_TRANSACTION);
export const waitingForLock = of(WAITING_FOR_LOCK);

/** The session behind a manager's transaction. */
export async function sessionOf(manager: EntityManager | DataSource): Promise<number> {
  const ask = databaseKind === 'mysql' ? 'CONNECTION_ID()' : 'pg_backend_pid()';
  const [row] = await manager.query<{ id: unknown }[]>(`SELECT ${ask} AS id`);
  return Number(row!.id);
}

/** Ends a session, as an administrator or a fail-over does. Resolves when it has ended. */
export async function killSession(on: On, id: number): Promise<void> {
  const kill = databaseKind === 'mysql' ? `KILL CONNECTION ${id}` : `SELECT pg_terminate_backend(${id})`;
  // It may have ended by itself meanwhile.
  await on.sql(kill).catch(() => undefined);
  await until(async () => !(await sessions(on)).includes(id));
}

/** A statement that keeps its session busy. */
export function sleepIn(manager: Pick<EntityManager, 'query'>, seconds: number): Promise<unknown> {
  return manager.query(databaseKind === 'mysql' ? `SELECT SLEEP(${seconds})` : `SELECT pg_sleep(${seconds})`);
}

/** Keeps everybody else out of a table; on SQLite, out of writing at all. */
export async function lockTable(
  { dataSource }: { dataSource: DataSource },
  table: string,
): Promise<{ release(): Promise<void> }> {
  // A connection of its own: SQLite has one for each data source.
  const own = await new DataSource({ ...dataSource.options, entities: [], subscribers: [] }).initialize();
  const session = own.createQueryRunner();
  const [begin, end] = {
    postgres: [`BEGIN; LOCK TABLE ${table}`, 'ROLLBACK'],
    mysql: [`LOCK TABLES ${table} WRITE`, 'UNLOCK TABLES'],
    sqlite: ['BEGIN IMMEDIATE', 'ROLLBACK'],
  }[databaseKind];
  await session.query(begin!);
  return {
    async release() {
      await session.query(end!);
      await session.release();
      await own.destroy();
    },
  };
}
