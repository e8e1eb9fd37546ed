import type { DataSource, EntityManager, QueryRunner } from 'typeorm';
import type { SyncClock } from '../../sync.clock.js';
import type { OpenTransaction } from '../../sync.options.js';
import type { FencedConnection } from '../fenced-connection.js';
import { HostedTransaction } from '../hosted-transaction.js';
import { rowsByPosition } from '../positional.js';
import { Slots } from '../slots.js';
import { listed } from '../statement.js';
import {
  SyncDatabase,
  unlockedRows,
  updateOf,
  type Query,
  type UnlockedRows,
  type UnlockedUpdate,
} from '../sync.database.js';
import { withinLimit } from '../time-limit.js';
import type { TypeOrmRunner } from '../typeorm-runner.js';
import { HostedMysqlFencedConnection } from './hosted-mysql.fenced-connection.js';
import { clientOf, cutMysqlRunner, type MysqlClient } from './mysql.client.js';
import { mysqlDialect } from './mysql.dialect.js';
import { MysqlFencedConnection } from './mysql.fenced-connection.js';
import { SERVER_QUERY, serverOf, type MysqlServer, type ServerRow } from './mysql.server.js';

/** The lock under which the module's migrations run; of the database, by its name. */
const MIGRATION_LOCK = `CONCAT('sync_migrations ', LEFT(SHA2(DATABASE(), 256), 32))`;
const MIGRATION_TIMEOUT_S = 600;

/** So that a delivery is answered before its provider stops listening. */
const CONNECT_TIMEOUT_MS = 3_000;
const QUERY_TIMEOUT_MS = 10_000;
const KILL_TIMEOUT_MS = 3_000;

/**
 * Of the module's own sessions, whatever the server's defaults: a statement is a transaction, what does not fit is an
 * error, and a backslash is what the driver escapes with.
 */
const SESSION = `SET SESSION autocommit = 1, SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION'`;

/** MySQL and MariaDB. Two connections of the module's own: one is for deliveries alone. */
export class MysqlDatabase extends SyncDatabase {
  private readonly slot = new Slots(1);
  private readonly known = new WeakSet<object>();
  private server?: MysqlServer;

  constructor(host: DataSource, clock: SyncClock) {
    super(host, clock, mysqlDialect);
  }

  async open(): Promise<string | undefined> {
    this.own = await this.connect(this.poolOf(2));
    const [row] = await this.query<ServerRow>(SERVER_QUERY);
    this.server = serverOf(row!);
    return this.server.weakness;
  }

  query<Row extends object>(sql: string, params: readonly unknown[] = []): Promise<Row[]> {
    return this.slot.run(() => this.bounded((runner) => rowsByPosition<Row>(runner, sql, params)));
  }

  async store(sql: string, params: readonly unknown[]): Promise<void> {
    await this.bounded((runner) => rowsByPosition(runner, sql, params));
  }

  transaction<T>(work: (query: Query) => Promise<T>): Promise<T> {
    return this.slot.run(() =>
      this.bounded((runner) => runner.manager.transaction((manager) => work(queryOf(manager)))),
    );
  }

  /** Two statements: here an UPDATE can neither skip locked rows nor select from its own table. */
  async updateUnlocked(update: UnlockedUpdate, within?: Query): Promise<void> {
    if (!within) return this.transaction((query) => this.updateUnlocked(update, query));
    const keys = await lockUnlocked(within, update);
    if (keys.length === 0) return;
    const params = [...update.params];
    await within(`${updateOf(update)} WHERE ${update.key} IN (${listed(params, keys)})`, params);
  }

  /**
   * Joined with the list of them, rows are looked up one by one. By `IN`, a DELETE may go over the whole table if they are
   * most of it, and unlike an UPDATE it would wait for rows that others have locked, without wanting them.
   */
  deleteUnlocked(rows: UnlockedRows): Promise<void> {
    const { table, key } = rows;
    return this.transaction(async (query) => {
      const ids = await lockUnlocked(query, rows);
      if (ids.length === 0) return;
      await query(
        `DELETE record FROM JSON_TABLE($1, '$[*]' COLUMNS (id BIGINT PATH '$')) AS wanted
         STRAIGHT_JOIN ${table} AS record ON record.${key} = wanted.id`,
        [JSON.stringify(ids)],
      );
    });
  }

  fencedConnection(timeoutMs: number, open?: OpenTransaction): FencedConnection {
    const { host, server } = this;
    if (!server) throw new Error('the sync database is not open');
    const kill = (client: MysqlClient) => this.kill(client);
    if (open)
      return new HostedMysqlFencedConnection(new HostedTransaction(host, open), timeoutMs, server, kill);
    const runner = host.createQueryRunner('master') as TypeOrmRunner;
    return new MysqlFencedConnection(runner, timeoutMs, server, kill);
  }

  async migrate(): Promise<void> {
    const locking = this.opened.createQueryRunner('master');
    try {
      const [row] = await rowsByPosition<{ held: unknown }>(
        locking,
        `SELECT GET_LOCK(${MIGRATION_LOCK}, ${MIGRATION_TIMEOUT_S}) AS held`,
        [],
      );
      if (Number(row!.held) !== 1) throw new Error('another process has been migrating for too long');
      // DDL commits by itself here.
      await this.opened.runMigrations({ transaction: 'none' });
    } finally {
      // Back in the pool, the connection must not keep it; one that cannot be asked any more has lost it.
      await rowsByPosition(locking, `SELECT RELEASE_LOCK(${MIGRATION_LOCK}) AS released`, []).catch(
        () => undefined,
      );
      await locking.release();
    }
  }

  /** Under REPEATABLE READ, a server's default, statements lock the gaps that new events are inserted into. */
  private async prepared(runner: QueryRunner): Promise<QueryRunner> {
    const client = await clientOf(runner);
    if (!this.known.has(client)) {
      await runner.query(SESSION);
      await runner.query('SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED');
      this.known.add(client);
    }
    return runner;
  }

  private poolOf(poolSize: number): object {
    const { extra } = this.host.options as { extra?: object };
    const ours = { connectionLimit: poolSize, connectTimeout: CONNECT_TIMEOUT_MS, charset: 'utf8mb4' };
    return { poolSize, extra: { ...extra, ...ours } };
  }

  /** A connection whose answer does not come is given up: back in the pool it would hold up whoever gets it next. */
  private async bounded<T>(work: (runner: QueryRunner) => Promise<T>): Promise<T> {
    const runner = this.opened.createQueryRunner('master');
    let cut = false;
    const giveUp = async (reason: Error) => {
      cut = true;
      this.kill(await cutMysqlRunner(runner, reason));
    };
    try {
      return await withinLimit(QUERY_TIMEOUT_MS, this.prepared(runner).then(work), giveUp);
    } finally {
      if (!cut) await runner.release();
    }
  }

  /** Busy with a statement, or waiting for a lock, a server does not notice that its client has gone. */
  private kill(client: MysqlClient | undefined): void {
    const runner = this.own?.createQueryRunner('master');
    if (!runner || !client?.threadId) return;
    const killed = runner.query(`KILL CONNECTION ${client.threadId}`);
    void withinLimit(KILL_TIMEOUT_MS, killed, async (silence) => void (await cutMysqlRunner(runner, silence)))
      // It has gone by itself, or will: nobody can use it any more.
      .catch(() => undefined)
      .finally(() => void runner.release());
  }
}

async function lockUnlocked(query: Query, wanted: UnlockedRows): Promise<unknown[]> {
  const rows = await query<Record<string, unknown>>(
    unlockedRows(wanted, 'FOR UPDATE SKIP LOCKED'),
    wanted.params,
  );
  return rows.map((row) => row[wanted.key]);
}

function queryOf(manager: EntityManager): Query {
  return (sql, params = []) => rowsByPosition(manager.queryRunner!, sql, params);
}
