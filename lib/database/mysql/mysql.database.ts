import type { DataSource, EntityManager, QueryRunner } from 'typeorm';
import type { SyncClock } from '../../sync.clock.js';
import type { FencedConnection } from '../fenced-connection.js';
import { positional } from '../positional.js';
import { Slots } from '../slots.js';
import {
  SyncDatabase,
  unlockedRows,
  updateOfRows,
  type Query,
  type UnlockedUpdate,
} from '../sync.database.js';
import { withinLimit } from '../time-limit.js';
import type { TypeOrmRunner } from '../typeorm-runner.js';
import { clientOf, destroyMysqlConnection } from './mysql.client.js';
import { mysqlDialect } from './mysql.dialect.js';
import { MysqlFencedConnection, type IdleLimit } from './mysql.fenced-connection.js';

/** The lock under which the module's migrations run; of the database, by its name. */
const MIGRATION_LOCK = `CONCAT('sync_migrations ', LEFT(SHA2(DATABASE(), 256), 32))`;
const MIGRATION_TIMEOUT_S = 600;

/** So that a delivery is answered before its provider stops listening. */
const CONNECT_TIMEOUT_MS = 3_000;
const QUERY_TIMEOUT_MS = 10_000;

/** MySQL and MariaDB. Two connections of the module's own: one is for deliveries alone. */
export class MysqlDatabase extends SyncDatabase {
  private readonly slot = new Slots(1);
  private readonly known = new WeakSet<object>();
  private idleLimit: IdleLimit = 'wait_timeout';

  constructor(host: DataSource, clock: SyncClock) {
    super(host, clock, mysqlDialect);
  }

  async open(): Promise<string | undefined> {
    this.own = await this.connect(this.poolOf(2));
    const [row] = await this.query<{ version: string; flush: unknown }>(
      'SELECT VERSION() AS version, @@GLOBAL.innodb_flush_log_at_trx_commit AS flush',
    );
    if (/mariadb/i.test(row!.version)) this.idleLimit = 'idle_transaction_timeout';
    return String(row!.flush) === '1'
      ? undefined
      : `innodb_flush_log_at_trx_commit is ${String(row!.flush)}: what is accepted may be lost with the server's power. Set it to 1.`;
  }

  query<Row extends object>(sql: string, params: readonly unknown[] = []): Promise<Row[]> {
    return this.slot.run(() => this.bounded((runner) => rowsOf<Row>(runner, sql, params)));
  }

  async store(sql: string, params: readonly unknown[]): Promise<void> {
    await this.bounded((runner) => rowsOf(runner, sql, params));
  }

  transaction<T>(work: (query: Query) => Promise<T>): Promise<T> {
    return this.slot.run(() =>
      this.opened.transaction('READ COMMITTED', (manager) => work(queryOf(manager))),
    );
  }

  /** Two statements: here an UPDATE can neither skip locked rows nor select from its own table. */
  async updateUnlocked(update: UnlockedUpdate): Promise<void> {
    await this.transaction(async (query) => {
      const rows = await query(unlockedRows(update, 'FOR UPDATE SKIP LOCKED'), update.params);
      if (rows.length === 0) return;
      const keys = rows.map((row) => (row as Record<string, unknown>)[update.key]);
      const { sql, params } = updateOfRows(update, keys);
      await query(sql, params);
    });
  }

  fencedConnection(timeoutMs: number): FencedConnection {
    const runner = this.host.createQueryRunner('master') as TypeOrmRunner;
    return new MysqlFencedConnection(runner, timeoutMs, this.idleLimit, this.own);
  }

  async migrate(): Promise<void> {
    const migrating = await this.connectToMigrate(this.poolOf(2));
    const locking = migrating.createQueryRunner('master');
    try {
      const [row] = await rowsOf<{ held: unknown }>(
        locking,
        `SELECT GET_LOCK(${MIGRATION_LOCK}, ${MIGRATION_TIMEOUT_S}) AS held`,
        [],
      );
      if (Number(row!.held) !== 1) throw new Error('another process has been migrating for too long');
      // DDL commits by itself here.
      await migrating.runMigrations({ transaction: 'none' });
      await rowsOf(locking, `SELECT RELEASE_LOCK(${MIGRATION_LOCK}) AS released`, []);
    } finally {
      await locking.release();
      await migrating.destroy();
    }
  }

  /** Under REPEATABLE READ, a server's default, statements lock the gaps that new events are inserted into. */
  private async prepared(runner: QueryRunner): Promise<QueryRunner> {
    const client = await clientOf(runner);
    if (!this.known.has(client)) {
      await runner.query('SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED');
      this.known.add(client);
    }
    return runner;
  }

  private poolOf(poolSize: number): object {
    const { extra } = this.host.options as { extra?: object };
    return {
      poolSize,
      connectTimeout: CONNECT_TIMEOUT_MS,
      extra: { ...extra, connectionLimit: poolSize },
    };
  }

  /** A connection whose answer does not come is given up: back in the pool it would hold up whoever gets it next. */
  private async bounded<T>(work: (runner: QueryRunner) => Promise<T>): Promise<T> {
    const runner = this.opened.createQueryRunner('master');
    let cut = false;
    const giveUp = async () => {
      cut = true;
      destroyMysqlConnection(await clientOf(runner), this.own);
    };
    try {
      return await withinLimit(QUERY_TIMEOUT_MS, this.prepared(runner).then(work), giveUp);
    } finally {
      if (!cut) await runner.release();
    }
  }
}

async function rowsOf<Row>(runner: QueryRunner, sql: string, params: readonly unknown[]): Promise<Row[]> {
  const { records } = await runner.query(...positional({ sql, params }), true);
  return (records ?? []) as Row[];
}

function queryOf(manager: EntityManager): Query {
  return (sql, params = []) => rowsOf(manager.queryRunner!, sql, params);
}
