import type { DataSource, TableColumnOptions } from 'typeorm';
import { columnTypesOf, hasPartialIndexes, type SyncDatabaseType } from '../column-types.js';

/** Columns by what they mean, as migrations take them. */
export function migrationColumns(dataSource: DataSource) {
  const database = dataSource.options.type as SyncDatabaseType;
  const types = columnTypesOf(database);
  const isPostgres = database === 'postgres';
  const isSqlite = database === 'better-sqlite3';
  const time = (name: string): TableColumnOptions => ({ name, ...types.time });
  const flag = (name: string): TableColumnOptions => ({
    name,
    type: 'boolean',
    ...(!isPostgres && !isSqlite && { type: 'tinyint', width: 1 }),
  });
  return {
    text: (name: string, length = 255): TableColumnOptions => ({ name, ...types.text(length) }),
    longText: (name: string): TableColumnOptions => ({ name, ...types.longText, isNullable: true }),
    digest: (name: string): TableColumnOptions => ({ name, ...types.digest }),
    token: (name: string): TableColumnOptions => ({ name, ...types.token, isNullable: true }),
    time,
    timeOfInsert: (name: string): TableColumnOptions => ({
      ...time(name),
      ...(isPostgres && { default: 'now()' }),
    }),
    flag,
    flagOff: (name: string): TableColumnOptions => ({ ...flag(name), default: isPostgres ? 'false' : '0' }),
    count: (name: string, type: 'int' | 'bigint' = 'int'): TableColumnOptions => {
      return { name, type: isSqlite && type === 'int' ? 'integer' : type, default: 0 };
    },
    id: (): TableColumnOptions => ({
      name: 'id',
      isPrimary: true,
      isGenerated: true,
      ...(isPostgres
        ? { type: 'bigint', generationStrategy: 'identity', generatedIdentity: 'ALWAYS' }
        : { type: isSqlite ? 'integer' : 'bigint', generationStrategy: 'increment' }),
    }),
    /** Over the rows in these states; where an index is always over all rows, ordered by state first. */
    ofState(name: string, columnNames: string[], states: string[]) {
      const list = states.map((state) => `'${state}'`).join(', ');
      const where = states.length === 1 ? `state = ${list}` : `state IN (${list})`;
      if (hasPartialIndexes(database)) return { name, columnNames, where };
      return { name, columnNames: states.length === 1 ? ['state', ...columnNames] : columnNames };
    },
  };
}

export function optional(column: TableColumnOptions): TableColumnOptions {
  return { ...column, isNullable: true };
}

export function key(column: TableColumnOptions, primaryKeyConstraintName: string): TableColumnOptions {
  return { ...column, isPrimary: true, primaryKeyConstraintName };
}
