import type { EntitySchemaColumnOptions, TableColumnOptions } from 'typeorm';

/** The databases that the module works on, by TypeORM's names. */
export type SyncDatabaseType = 'postgres' | 'mysql' | 'mariadb' | 'better-sqlite3';

/** As much of a column as its meaning decides. */
type ColumnType = Pick<TableColumnOptions, 'type' | 'length' | 'charset' | 'collation'> & {
  type: EntitySchemaColumnOptions['type'] & string;
};

/** How what is meant is stored in one kind of database. */
export interface ColumnTypes {
  /** Text of up to so many characters, compared to the letter. */
  text(length: number): ColumnType;
  readonly longText: ColumnType;
  /** A digest of 16 bytes. */
  readonly digest: ColumnType;
  readonly token: ColumnType;
  readonly time: ColumnType;
}

const postgres: ColumnTypes = {
  text: (length) => ({ type: 'varchar', length: String(length) }),
  longText: { type: 'text' },
  digest: { type: 'bytea' },
  token: { type: 'uuid' },
  time: { type: 'timestamptz' },
};

/** A server's own collation takes `A` for `a`, and another for `ä`. */
const exact = { charset: 'utf8mb4', collation: 'utf8mb4_bin' };

/** Times are milliseconds since 1970: `datetime` means what the session's and the driver's time zones make of it. */
const mysql: ColumnTypes = {
  text: (length) => ({ type: 'varchar', length: String(length), ...exact }),
  longText: { type: 'longtext', ...exact },
  digest: { type: 'binary', length: '16' },
  token: { type: 'varchar', length: '36', ...exact },
  time: { type: 'bigint' },
};

const sqlite: ColumnTypes = {
  text: (length) => ({ type: 'varchar', length: String(length) }),
  longText: { type: 'text' },
  digest: { type: 'blob' },
  token: { type: 'varchar', length: '36' },
  time: { type: 'bigint' },
};

export function columnTypesOf(database: SyncDatabaseType): ColumnTypes {
  if (database === 'postgres') return postgres;
  return database === 'better-sqlite3' ? sqlite : mysql;
}

/** Whether an index can be over some of the rows only. */
export function hasPartialIndexes(database: SyncDatabaseType): boolean {
  return database === 'postgres' || database === 'better-sqlite3';
}
