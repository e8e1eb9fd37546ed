import type { EntitySchemaColumnOptions } from 'typeorm';
import { columnTypesOf, type SyncDatabaseType } from './column-types.js';

/** Drivers give 64-bit numbers out as they please. */
const ids = {
  from: (id: string | number | null) => (id === null ? null : String(id)),
  to: (id: unknown) => id,
};

/** An entity's columns, by what they mean. */
export function columnsFor(database: SyncDatabaseType) {
  const types = columnTypesOf(database);
  const dates = {
    from: (value: Date | string | number | null) =>
      value === null || value instanceof Date ? value : new Date(Number(value)),
    to: (date: unknown) => (date instanceof Date && database !== 'postgres' ? date.getTime() : date),
  };
  return {
    /** Counts up. */
    id: (): EntitySchemaColumnOptions => ({
      type: database === 'better-sqlite3' ? 'integer' : 'bigint',
      primary: true,
      // An identity column, which TypeORM's types have forgotten here.
      generated: database === 'postgres' ? ('identity' as 'increment') : 'increment',
      ...(database === 'postgres' && { generatedIdentity: 'ALWAYS' as const }),
      transformer: ids,
    }),
    reference: (name: string): EntitySchemaColumnOptions => ({ type: 'bigint', name, transformer: ids }),
    text: (length: number, name?: string): EntitySchemaColumnOptions => ({ ...types.text(length), name }),
    longText: (name?: string): EntitySchemaColumnOptions => ({ ...types.longText, name, nullable: true }),
    digest: (name: string): EntitySchemaColumnOptions => ({ ...types.digest, name }),
    token: (name: string): EntitySchemaColumnOptions => ({ ...types.token, name, nullable: true }),
    time: (name: string): EntitySchemaColumnOptions => ({ ...types.time, name, transformer: dates }),
    /** A time that the database fills in where it can. */
    timeOfInsert: (name: string): EntitySchemaColumnOptions => ({
      ...types.time,
      name,
      transformer: dates,
      ...(database === 'postgres' && { default: () => 'now()' }),
    }),
    flag: (name?: string): EntitySchemaColumnOptions => ({ type: 'boolean', name }),
    count: (name?: string): EntitySchemaColumnOptions => ({ type: 'int', name, default: 0 }),
    counter: (name?: string): EntitySchemaColumnOptions => ({ type: 'bigint', name, default: 0 }),
  };
}

/** Columns are called as their properties, where nothing else is said, whatever the host's naming strategy is. */
export function named(
  columns: Record<string, EntitySchemaColumnOptions>,
): Record<string, EntitySchemaColumnOptions> {
  return Object.fromEntries(
    Object.entries(columns).map(([property, column]) => [
      property,
      { ...column, name: column.name ?? property },
    ]),
  );
}

export function optional(column: EntitySchemaColumnOptions): EntitySchemaColumnOptions {
  return { ...column, nullable: true };
}

export function key(column: EntitySchemaColumnOptions, constraint: string): EntitySchemaColumnOptions {
  return { ...column, primary: true, primaryKeyConstraintName: constraint };
}
