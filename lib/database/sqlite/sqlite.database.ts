import type { DataSource } from 'typeorm';
import type { SyncClock } from '../../sync.clock.js';
import type { FencedConnection } from '../fenced-connection.js';
import { rowsByPosition } from '../positional.js';
import {
  deleteOf,
  SyncDatabase,
  unlockedRows,
  updateOf,
  type Query,
  type UnlockedRows,
  type UnlockedUpdate,
} from '../sync.database.js';
import { whileBusy } from './busy.js';
import { sqliteDialect } from './sqlite.dialect.js';
import { SqliteFencedConnection } from './sqlite.fenced-connection.js';
import { ownRunner, type SqliteHandle } from './sqlite.runner.js';
import { WriteTurns } from './write-turn.js';

const QUERY_TIMEOUT_MS = 10_000;

/**
 * SQLite has one connection, which TypeORM shares among all who are at it: what the module stored in the middle of a
 * transaction of the host's would go with that. So the module opens the host's file itself, twice: for transactions, and
 * for single statements. Of all of them one writes at a time.
 */
export class SqliteDatabase extends SyncDatabase {
  private readonly turns = new WriteTurns(() => this.connectForTransactions());

  constructor(host: DataSource, clock: SyncClock) {
    super(host, clock, sqliteDialect);
  }

  override get mostTransactions(): number {
    return 1;
  }

  /** On its one connection, the host's transactions have everybody's statements in them. */
  override get letsHostOpen(): boolean {
    return false;
  }

  async open(): Promise<undefined> {
    this.own = await this.connectOwn({});
  }

  override async close(): Promise<void> {
    await this.turns.close();
    await super.close();
  }

  query<Row extends object>(sql: string, params: readonly unknown[] = []): Promise<Row[]> {
    const run = () =>
      whileBusy(QUERY_TIMEOUT_MS, () => rowsByPosition<Row>(this.opened.createQueryRunner(), sql, params));
    // Whoever only reads sees the last commit, and waits for nobody.
    return /^\s*(SELECT|WITH)\b/i.test(sql) ? run() : this.turns.run(run);
  }

  async store(sql: string, params: readonly unknown[]): Promise<void> {
    await this.query(sql, params);
  }

  async transaction<T>(work: (query: Query) => Promise<T>): Promise<T> {
    const turn = await this.turns.take();
    const runner = ownRunner(turn.source);
    try {
      await whileBusy(QUERY_TIMEOUT_MS, () => runner.query('BEGIN IMMEDIATE'));
      const result = await work((sql, params = []) => rowsByPosition(runner, sql, params));
      await runner.query('COMMIT');
      turn.end();
      return result;
    } catch (error) {
      // With its connection, whatever is open on it goes too.
      await turn.cut();
      throw error;
    }
  }

  async updateUnlocked(
    update: UnlockedUpdate,
    within: Query = (sql, params) => this.query(sql, params),
  ): Promise<void> {
    await within(`${updateOf(update)} WHERE ${update.key} IN (${unlockedRows(update, '')})`, update.params);
  }

  async deleteUnlocked(rows: UnlockedRows): Promise<void> {
    await this.query(`${deleteOf(rows)} WHERE ${rows.key} IN (${unlockedRows(rows, '')})`, rows.params);
  }

  fencedConnection(timeoutMs: number): FencedConnection {
    return new SqliteFencedConnection(timeoutMs, () => this.turns.take());
  }

  async migrate(): Promise<void> {
    await whileBusy(QUERY_TIMEOUT_MS, () => this.opened.runMigrations({ transaction: 'all' }));
  }

  /** With the host's entities and subscribers: handlers write the host's tables through it. */
  private async connectForTransactions(): Promise<DataSource> {
    const { entities, logging } = this.host.options;
    const source = await this.connectOwn({ entities, logging });
    source.subscribers.push(...this.host.subscribers);
    return source;
  }

  private connectOwn(options: object): Promise<DataSource> {
    return whileBusy(QUERY_TIMEOUT_MS, () => this.connect({ ...this.ownOptions(), ...options }));
  }

  /** Durable at each commit, and never waiting with the whole process. */
  private ownOptions(): object {
    const { prepareDatabase } = this.host.options as {
      prepareDatabase?: (handle: SqliteHandle) => unknown;
    };
    return {
      timeout: 0,
      enableWAL: true,
      // The host's may be what opens it at all, by a key, or what it has functions from.
      prepareDatabase: async (handle: SqliteHandle) => {
        await prepareDatabase?.(handle);
        handle.pragma('busy_timeout = 0');
        handle.pragma('synchronous = FULL');
      },
    };
  }
}
