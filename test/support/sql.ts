import type { DataSource } from 'typeorm';
import { databaseType } from './database.js';
import { asPostgres, portable } from './portable-sql.js';

/** Rows of a query in PostgreSQL's words, as its driver gives them out, whatever the database. */
export type Sql = <Row = Record<string, unknown>>(query: string, params?: unknown[]) => Promise<Row[]>;

export function sqlOn(on: Pick<DataSource, 'query'>): Sql {
  return async <Row>(query: string, params?: unknown[]) => {
    const rows: unknown = await on.query(...portable(query, params));
    return databaseType !== 'postgres' && Array.isArray(rows) ? rows.map(asPostgres<Row>) : (rows as Row[]);
  };
}
