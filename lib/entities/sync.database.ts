import {
  DataSource,
  type DataSourceOptions,
  type EntityTarget,
  type ObjectLiteral,
  type QueryRunner,
  type Repository,
} from 'typeorm';
import type { SyncClock } from '../sync.clock.js';
import { destroyConnection } from './connection.js';
import { Slots } from './slots.js';
import { syncEntities, syncMigrations } from './index.js';
import { SyncConnectionEntity } from './sync-connection.entity.js';
import { SyncEventEntity } from './sync-event.entity.js';
import { SyncMarkEntity } from './sync-mark.entity.js';
import { SyncRecordEntity } from './sync-record.entity.js';

/** Any 64-bit number, the same in every process: the lock under which the module's migrations run. */
const MIGRATION_LOCK = '7314950528316647';

/** So that a delivery is answered before its provider stops listening. */
const CONNECT_TIMEOUT_MS = 3_000;
const QUERY_TIMEOUT_MS = 10_000;

/** The tables' names as they stand in SQL, quoted and with their schema. */
export interface TableNames {
  readonly event: string;
  readonly record: string;
  readonly mark: string;
  readonly connection: string;
}

/**
 * The module's way to its tables: the host's data source for handlers' transactions, and two connections of its own
 * for storing deliveries and claiming records, so that no handler can starve those.
 */
export class SyncDatabase {
  /** SQL for the database's now, ahead by what the test kit says. */
  get now(): string {
    return this.clock.offsetMs === 0 ? 'now()' : `(now() + interval '${this.clock.offsetMs} milliseconds')`;
  }

  private own?: DataSource;
  private readonly slot = new Slots(1);
  private commitsAreDurable = true;
  private names?: TableNames;

  constructor(
    readonly host: DataSource,
    private readonly clock: SyncClock,
  ) {}

  /** How many connections the host's pool may have. */
  get poolSize(): number {
    return poolSizeOf(this.host);
  }

  /** The host's data source makes all tables by itself, these included. */
  get isSynchronized(): boolean {
    return this.host.options.synchronize === true;
  }

  get tables(): TableNames {
    return (this.names ??= {
      event: this.pathOf(SyncEventEntity),
      record: this.pathOf(SyncRecordEntity),
      mark: this.pathOf(SyncMarkEntity),
      connection: this.pathOf(SyncConnectionEntity),
    });
  }

  /** Connects. Nothing here prints SQL: statements carry payloads. */
  async open(): Promise<void> {
    this.own = await this.connect({ poolSize: 2 });
    const [row] = await this.query<{ commits: string }>(
      `SELECT current_setting('synchronous_commit') AS commits`,
    );
    this.commitsAreDurable = row!.commits !== 'off';
  }

  async close(): Promise<void> {
    await this.own?.destroy();
    this.own = undefined;
  }

  /** One statement on the module's own connections, committed when it returns. Bounded in time; one at a time. */
  query<Row extends object>(sql: string, params: readonly unknown[] = []): Promise<Row[]> {
    return this.slot.run(() => this.bounded<Row[]>((runner) => runner.query(sql, [...params])));
  }

  /**
   * One statement, on disk when it returns, even where the database by default answers before it is. Does not wait
   * for any of the above: the module's second connection is for this alone.
   */
  async store(sql: string, params: readonly unknown[]): Promise<void> {
    await this.bounded(async (runner) => {
      if (this.commitsAreDurable) return runner.query(sql, [...params]);
      return runner.manager.transaction(async (manager) => {
        await manager.query('SET LOCAL synchronous_commit = on');
        await manager.query(sql, [...params]);
      });
    });
  }

  /** Several statements in one transaction on the module's own connections. */
  transaction<T>(
    work: (query: (sql: string, params?: unknown[]) => Promise<unknown>) => Promise<T>,
  ): Promise<T> {
    return this.slot.run(() =>
      this.opened.transaction('READ COMMITTED', (manager) =>
        work((sql, params) => manager.query(sql, params)),
      ),
    );
  }

  /** For reading, on the module's own connections. */
  repository<Entity extends ObjectLiteral>(entity: EntityTarget<Entity>): Repository<Entity> {
    return this.opened.getRepository(entity);
  }

  /** Brings the module's tables up to date. Processes that boot together wait for each other. */
  async migrate(): Promise<void> {
    const migrating = await this.connect({
      poolSize: 2,
      migrations: syncMigrations,
      migrationsTableName: 'sync_migrations',
    });
    try {
      // A transaction's lock and not a session's, for the sake of connection poolers.
      await migrating.transaction(async (manager) => {
        await manager.query(`SELECT pg_advisory_xact_lock(${MIGRATION_LOCK})`);
        await migrating.runMigrations({ transaction: 'all' });
      });
    } finally {
      await migrating.destroy();
    }
  }

  /** Names of tables that are not there. */
  async missingTables(): Promise<string[]> {
    const missing: string[] = [];
    for (const table of Object.values(this.tables)) {
      const [row] = await this.query<{ found: string | null }>('SELECT to_regclass($1) AS found', [table]);
      if (!row?.found) missing.push(table);
    }
    return missing;
  }

  /** A connection whose answer does not come is given up: back in the pool it would hold up whoever gets it next. */
  private async bounded<T>(work: (runner: QueryRunner) => Promise<unknown>): Promise<T> {
    const runner = this.opened.createQueryRunner('master');
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        const error = new Error(`the database did not answer within ${QUERY_TIMEOUT_MS} ms`);
        reject(error);
        void destroyConnection(runner, error);
      }, QUERY_TIMEOUT_MS);
    });
    try {
      const result = await Promise.race([work(runner), timeout]);
      // TypeORM answers an UPDATE or DELETE with [rows, count].
      return (Array.isArray(result) && Array.isArray(result[0]) ? result[0] : result) as T;
    } finally {
      clearTimeout(timer);
      await runner.release();
    }
  }

  private get opened(): DataSource {
    if (!this.own)
      throw new Error('the sync database is not open: the application has not started, or has ended');
    return this.own;
  }

  private connect(options: Partial<DataSourceOptions> & { poolSize: number }): Promise<DataSource> {
    const host = this.host.options as DataSourceOptions & { extra?: object };
    return new DataSource({
      ...host,
      entities: syncEntities,
      subscribers: [],
      migrations: [],
      migrationsRun: false,
      synchronize: false,
      dropSchema: false,
      cache: false,
      logging: false,
      ...options,
      extra: { ...host.extra, max: options.poolSize, connectionTimeoutMillis: CONNECT_TIMEOUT_MS },
    } as DataSourceOptions).initialize();
  }

  private pathOf(entity: EntityTarget<ObjectLiteral>): string {
    return this.host
      .getMetadata(entity)
      .tablePath.split('.')
      .map((part) => this.host.driver.escape(part))
      .join('.');
  }
}

/** What `pg` takes if it is told nothing. */
const DEFAULT_POOL_SIZE = 10;

/** How many connections a data source's pool may have. */
export function poolSizeOf(dataSource: DataSource): number {
  const { extra, poolSize } = dataSource.options as { extra?: { max?: number }; poolSize?: number };
  return extra?.max ?? poolSize ?? DEFAULT_POOL_SIZE;
}
