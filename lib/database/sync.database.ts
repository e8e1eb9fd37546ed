import {
  DataSource,
  type DataSourceOptions,
  type EntityTarget,
  type ObjectLiteral,
  type Repository,
} from 'typeorm';
import { syncEntities, syncMigrations, type SyncDatabaseType } from '../entities/index.js';
import type { SyncClock } from '../sync.clock.js';
import type { OpenTransaction } from '../sync.options.js';
import type { Dialect } from './dialect.js';
import type { FencedConnection } from './fenced-connection.js';
import { entityPrefixOf, TABLES, tableNamesOf, tablePath, type TableNames } from '../entities/table-names.js';

/** Runs one statement, and gives its rows. */
export type Query = <Row extends object>(sql: string, params?: readonly unknown[]) => Promise<Row[]>;

/** Which rows of a table are meant. */
export interface UnlockedRows {
  readonly table: string;
  readonly key: string;
  /** The table stands in it as `record`. */
  readonly where: string;
  readonly params: readonly unknown[];
}

/** Which rows of a table to change, and how. Both may use the same parameters. */
export interface UnlockedUpdate extends UnlockedRows {
  readonly set: string;
}

/**
 * The module's way to its tables, and to the transactions of handlers. One class for each kind of database; the module's
 * own connections are apart from those of the host, so that no handler can starve deliveries and claims.
 */
export abstract class SyncDatabase {
  protected own?: DataSource;
  private names?: TableNames;

  constructor(
    /** The host's. */
    readonly host: DataSource,
    protected readonly clock: SyncClock,
    readonly dialect: Dialect,
  ) {}

  /** SQL for the database's now, ahead by what the test kit says. */
  get now(): string {
    return this.dialect.now(this.clock.offsetMs);
  }

  /** How many transactions of handlers there can be at once, whatever the options say. */
  get mostTransactions(): number {
    return Infinity;
  }

  /** Whether the host can open transactions that are nobody else's. */
  get letsHostOpen(): boolean {
    return true;
  }

  get tables(): TableNames {
    return (this.names ??= tableNamesOf(this.host));
  }

  /** SQL for so many milliseconds from now. */
  in(ms: number): string {
    return this.dialect.now(this.clock.offsetMs + ms);
  }

  /** Connects. Nothing here prints SQL: statements carry payloads. @returns what is wrong with its durability */
  abstract open(): Promise<string | undefined>;

  async close(): Promise<void> {
    await this.own?.destroy();
    this.own = undefined;
  }

  /** One statement on the module's own connections, committed when it returns. Bounded in time. */
  abstract query<Row extends object>(sql: string, params?: readonly unknown[]): Promise<Row[]>;

  /** One statement, on disk when it returns, whatever the server's default is. Waits for none of the above. */
  abstract store(sql: string, params: readonly unknown[]): Promise<void>;

  /** Several statements in one transaction on the module's own connections, READ COMMITTED. */
  abstract transaction<T>(work: (query: Query) => Promise<T>): Promise<T>;

  /**
   * Changes those rows that fit and that nobody has locked: waits for no one, and no two of them for each other.
   * @param within of a transaction that it shall be part of
   */
  abstract updateUnlocked(update: UnlockedUpdate, within?: Query): Promise<void>;

  /** Deletes them in the same way. Their key is a number. */
  abstract deleteUnlocked(rows: UnlockedRows): Promise<void>;

  /**
   * For a transaction of a pass.
   * @param timeoutMs after which the server may end it by itself
   * @param open the host's way to open it
   */
  abstract fencedConnection(timeoutMs: number, open?: OpenTransaction): FencedConnection;

  /** Brings the module's tables up to date, once it is open. Processes that boot together wait for each other. */
  abstract migrate(): Promise<void>;

  /** For reading, on the module's own connections. */
  repository<Entity extends ObjectLiteral>(entity: EntityTarget<Entity>): Repository<Entity> {
    return this.opened.getRepository(entity);
  }

  /** Names of tables that are not there. */
  async missingTables(): Promise<string[]> {
    const runner = this.opened.createQueryRunner();
    try {
      const missing: string[] = [];
      for (const name of TABLES) {
        const path = tablePath(this.opened, name);
        if (!(await runner.hasTable(path))) missing.push(path);
      }
      return missing;
    } finally {
      await runner.release();
    }
  }

  protected get opened(): DataSource {
    if (!this.own)
      throw new Error('the sync database is not open: the application has not started, or has ended');
    return this.own;
  }

  /** A data source of the module's own, to the same place as the host's; of one with replicas, to its master alone. */
  protected connect(options: object): Promise<DataSource> {
    const { replication, ...others } = this.host.options as DataSourceOptions & {
      replication?: { master: object };
    };
    return new DataSource({
      ...others,
      ...replication?.master,
      entities: syncEntities(this.host.options.type as SyncDatabaseType, entityPrefixOf(this.host)),
      subscribers: [],
      migrations: syncMigrations,
      migrationsTableName: `${entityPrefixOf(this.host)}sync_migrations`,
      migrationsRun: false,
      synchronize: false,
      dropSchema: false,
      cache: false,
      isolationLevel: undefined,
      logging: false,
      ...options,
    } as DataSourceOptions).initialize();
  }
}

/** How to select them, in an order in which no two who do wait for each other. */
export function unlockedRows({ table, key, where }: UnlockedRows, lock: string): string {
  return `SELECT ${key} FROM ${table} AS record WHERE ${where} ORDER BY ${key} ${lock}`;
}

/** The beginning of a statement that changes them, up to its condition. */
export function updateOf({ table, set }: UnlockedUpdate): string {
  return `UPDATE ${table} SET ${set}`;
}

/** The same of one that deletes them. */
export function deleteOf({ table }: UnlockedRows): string {
  return `DELETE FROM ${table}`;
}
