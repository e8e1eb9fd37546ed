import type { EntityMetadata, QueryRunner, Table } from 'typeorm';
import { dataSourceOf } from './data-source-of.js';

/** Column names of a key, in any order. */
export type UniqueKey = readonly string[];

/** The keys by which rows of an entity's table can be upserted, as the database has them; null: no such table yet. */
export async function uniqueKeysOf(
  runner: QueryRunner,
  { tablePath }: EntityMetadata,
): Promise<UniqueKey[] | null> {
  if (dataSourceOf(runner).options.type === 'postgres') return keysInCatalog(runner, tablePath);
  const table = await runner.getTable(tablePath);
  return table ? keysOfTable(table) : null;
}

/** The same as an entity declares them, for a table that is still to be made. */
export function declaredKeysOf({ primaryColumns, uniques, indices }: EntityMetadata): UniqueKey[] {
  const names = (columns: EntityMetadata['columns']) => columns.map(({ databaseName }) => databaseName);
  return [
    names(primaryColumns),
    ...uniques.filter(({ deferrable }) => !deferrable).map(({ columns }) => names(columns)),
    ...indices.filter(({ isUnique, where }) => isUnique && !where).map(({ columns }) => names(columns)),
  ];
}

/** As TypeORM reads a table: enough where nothing is deferrable and no index is on an expression. */
export function keysOfTable({ primaryColumns, uniques, indices }: Table): UniqueKey[] {
  return [
    primaryColumns.map(({ name }) => name),
    ...uniques.map(({ columnNames }) => columnNames),
    ...indices.filter(({ isUnique, where }) => isUnique && !where).map(({ columnNames }) => columnNames),
  ];
}

/** Postgres has more kinds of unique index than TypeORM tells apart, and not all of them serve ON CONFLICT. */
async function keysInCatalog(runner: QueryRunner, tablePath: string): Promise<UniqueKey[] | null> {
  const path = tablePath.split('.').map((part) => dataSourceOf(runner).driver.escape(part));
  const rows = (await runner.query(
    `SELECT names FROM (SELECT to_regclass($1) AS id) AS wanted
     LEFT JOIN LATERAL (
       SELECT array_agg(attname::text) AS names FROM pg_index AS key
       JOIN pg_attribute ON attrelid = indrelid AND attnum = ANY ((indkey::int2[])[0:indnkeyatts - 1])
       WHERE indrelid = wanted.id AND indisunique AND indimmediate AND indisvalid
         AND indpred IS NULL AND indexprs IS NULL
       GROUP BY indexrelid) AS keys ON true
     WHERE wanted.id IS NOT NULL`,
    [path.join('.')],
  )) as { names: string[] | null }[];
  return rows.length === 0 ? null : rows.flatMap(({ names }) => (names ? [names] : []));
}
