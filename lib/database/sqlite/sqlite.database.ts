import type { DataSource, QueryRunner } from 'typeorm';
import type { SyncClock } from '../../sync.clock.js';
import type { FencedConnection } from '../fenced-connection.js';
import { positional } from '../positional.js';
import { Slots } from '../slots.js';
import { SyncDatabase, unlockedRows, type Query, type UnlockedUpdate } from '../sync.database.js';
import { whileBusy } from './busy.js';
import { sqliteDialect } from './sqlite.dialect.js';
import { ownRunner, SqliteFencedConnection, type WriteTurn } from './sqlite.fenced-connection.js';

const QUERY_TIMEOUT_MS = 10_000;

/**
 * SQLite has one connection, which TypeORM shares among all who are at it: what the module stored in the middle of a
 * transaction of the host's would go with that. So the module opens the host's file itself, twice: for transactions, and
 * for single statements. Of all of them one writes at a time.
 */
export class SqliteDatabase extends SyncDatabase {
  private readonly writing = new Slots(1);
  private transactions?: DataSource;

  constructor(host: DataSource, clock: SyncClock) {
    super(host, clock, sqliteDialect);
  }

  async open(): Promise<undefined> {
    this.own = await this.connect(connectionOptions);
    this.transactions = await this.connectForTransactions();
  }

  override async close(): Promise<void> {
    await this.transactions?.destroy();
    this.transactions = undefined;
    await super.close();
  }

  query<Row extends object>(sql: string, params: readonly unknown[] = []): Promise<Row[]> {
    const run = () =>
      whileBusy(QUERY_TIMEOUT_MS, () => rowsOf<Row>(this.opened.createQueryRunner(), sql, params));
    // Whoever only reads sees the last commit, and waits for nobody.
    return /^\s*(SELECT|WITH)\b/i.test(sql) ? run() : this.writing.run(run);
  }

  async store(sql: string, params: readonly unknown[]): Promise<void> {
    await this.query(sql, params);
  }

  transaction<T>(work: (query: Query) => Promise<T>): Promise<T> {
    return this.writing.run(async () => {
      const runner = ownRunner(this.openedForTransactions);
      await whileBusy(QUERY_TIMEOUT_MS, () => runner.query('BEGIN IMMEDIATE'));
      try {
        const result = await work((sql, params = []) => rowsOf(runner, sql, params));
        await runner.query('COMMIT');
        return result;
      } catch (error) {
        await runner.query('ROLLBACK').catch(() => undefined);
        throw error;
      }
    });
  }

  async updateUnlocked(update: UnlockedUpdate): Promise<void> {
    const { table, key, set, params } = update;
    await this.query(`UPDATE ${table} SET ${set} WHERE ${key} IN (${unlockedRows(update, '')})`, params);
  }

  fencedConnection(timeoutMs: number): FencedConnection {
    const source = this.openedForTransactions;
    return new SqliteFencedConnection(
      source,
      timeoutMs,
      () => this.takeTurn(),
      async () => {
        if (this.transactions === source) this.transactions = await this.connectForTransactions();
        await source.destroy();
      },
    );
  }

  async migrate(): Promise<void> {
    const migrating = await this.connectToMigrate(connectionOptions);
    try {
      await whileBusy(QUERY_TIMEOUT_MS, () => migrating.runMigrations({ transaction: 'all' }));
    } finally {
      await migrating.destroy();
    }
  }

  /** With the host's entities and subscribers: handlers write the host's tables through it. */
  private async connectForTransactions(): Promise<DataSource> {
    const { entities, logging } = this.host.options;
    const source = await this.connect({ ...connectionOptions, entities, logging });
    source.subscribers.push(...this.host.subscribers);
    return source;
  }

  private takeTurn(): Promise<WriteTurn> {
    return new Promise((granted) => {
      void this.writing.run(() => new Promise<void>((end) => granted({ end })));
    });
  }

  private get openedForTransactions(): DataSource {
    if (!this.transactions) throw new Error('the sync database is not open');
    return this.transactions;
  }
}

interface Pragmas {
  pragma(text: string): unknown;
}

/** Durable at each commit, and never waiting with the whole process. */
const connectionOptions = {
  timeout: 0,
  enableWAL: true,
  prepareDatabase: (handle: Pragmas) => void handle.pragma('synchronous = FULL'),
};

async function rowsOf<Row>(runner: QueryRunner, sql: string, params: readonly unknown[]): Promise<Row[]> {
  const { records } = await runner.query(...positional({ sql, params }), true);
  return (records ?? []) as Row[];
}
