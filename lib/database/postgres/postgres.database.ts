import type { DataSource, EntityManager, QueryRunner } from 'typeorm';
import type { SyncClock } from '../../sync.clock.js';
import type { OpenTransaction } from '../../sync.options.js';
import type { FencedConnection } from '../fenced-connection.js';
import { HostedTransaction } from '../hosted-transaction.js';
import { rowsOf } from '../rows.js';
import { Slots } from '../slots.js';
import {
  deleteOf,
  SyncDatabase,
  unlockedRows,
  updateOf,
  type Query,
  type UnlockedRows,
  type UnlockedUpdate,
} from '../sync.database.js';
import { withinLimit } from '../time-limit.js';
import type { TypeOrmRunner } from '../typeorm-runner.js';
import { HostedPostgresFencedConnection } from './hosted-postgres.fenced-connection.js';
import { destroyPgConnection } from './postgres.client.js';
import { postgresDialect } from './postgres.dialect.js';
import { PostgresFencedConnection } from './postgres.fenced-connection.js';
import { PreparedStatements } from './prepared-statements.js';

/** Any 64-bit number, the same in every process: the lock under which the module's migrations run. */
const MIGRATION_LOCK = '7314950528316647';

/** So that a delivery is answered before its provider stops listening. */
const CONNECT_TIMEOUT_MS = 3_000;
const QUERY_TIMEOUT_MS = 10_000;

/** Two connections of the module's own: one is for deliveries alone. */
export class PostgresDatabase extends SyncDatabase {
  private readonly slot = new Slots(1);
  private readonly prepared = new PreparedStatements();
  private commitsAreDurable = true;

  constructor(host: DataSource, clock: SyncClock) {
    super(host, clock, postgresDialect);
  }

  async open(): Promise<undefined> {
    this.own = await this.connect(this.poolOf(2));
    const [row] = await this.query<{ commits: string }>(
      `SELECT current_setting('synchronous_commit') AS commits`,
    );
    this.commitsAreDurable = row!.commits !== 'off';
  }

  query<Row extends object>(sql: string, params: readonly unknown[] = []): Promise<Row[]> {
    return this.slot.run(() => this.bounded((runner) => rowsOf<Row>(runner, sql, params)));
  }

  /** Even where the database by default answers before it is on disk. */
  async store(sql: string, params: readonly unknown[]): Promise<void> {
    await this.bounded(async (runner) => {
      if (this.commitsAreDurable) return runner.query(sql, [...params]);
      return runner.manager.transaction(async (manager) => {
        await manager.query('SET LOCAL synchronous_commit = on');
        await manager.query(sql, [...params]);
      });
    });
  }

  transaction<T>(work: (query: Query) => Promise<T>): Promise<T> {
    return this.slot.run(() =>
      this.bounded((runner) =>
        runner.manager.transaction('READ COMMITTED', (manager) => work(queryOf(manager))),
      ),
    );
  }

  async updateUnlocked(
    update: UnlockedUpdate,
    within: Query = (sql, params) => this.query(sql, params),
  ): Promise<void> {
    await within(`${updateOf(update)} ${ofUnlocked(update)}`, update.params);
  }

  async deleteUnlocked(rows: UnlockedRows): Promise<void> {
    await this.query(`${deleteOf(rows)} ${ofUnlocked(rows)}`, rows.params);
  }

  fencedConnection(timeoutMs: number, open?: OpenTransaction): FencedConnection {
    const { host, prepared } = this;
    if (open)
      return new HostedPostgresFencedConnection(new HostedTransaction(host, open), timeoutMs, prepared);
    return new PostgresFencedConnection(
      host.createQueryRunner('master') as TypeOrmRunner,
      timeoutMs,
      prepared,
    );
  }

  async migrate(): Promise<void> {
    // A transaction's lock and not a session's, for the sake of connection poolers.
    await this.opened.transaction(async (manager) => {
      await manager.query(`SELECT pg_advisory_xact_lock(${MIGRATION_LOCK})`);
      await this.opened.runMigrations({ transaction: 'all' });
    });
  }

  private poolOf(poolSize: number): object {
    const { extra } = this.host.options as { extra?: object };
    return { poolSize, extra: { ...extra, max: poolSize, connectionTimeoutMillis: CONNECT_TIMEOUT_MS } };
  }

  /** A connection whose answer does not come is given up: back in the pool it would hold up whoever gets it next. */
  private async bounded<T>(work: (runner: QueryRunner) => Promise<T>): Promise<T> {
    const runner = this.opened.createQueryRunner('master');
    try {
      return await withinLimit(QUERY_TIMEOUT_MS, work(runner), (error) => destroyPgConnection(runner, error));
    } finally {
      await runner.release();
    }
  }
}

function ofUnlocked(rows: UnlockedRows): string {
  return `WHERE ${rows.key} IN (${unlockedRows(rows, 'FOR UPDATE SKIP LOCKED')})`;
}

function queryOf(manager: EntityManager): Query {
  return (sql, params = []) => rowsOf(manager.queryRunner!, sql, params);
}
