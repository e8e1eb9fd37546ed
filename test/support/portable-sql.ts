import { mysqlDialect } from '../../lib/database/mysql/mysql.dialect.js';
import { positional } from '../../lib/database/positional.js';
import { listed } from '../../lib/database/statement.js';
import { sqliteDialect } from '../../lib/database/sqlite/sqlite.dialect.js';
import { databaseType } from './database.js';

const UNITS: Record<string, number> = { ms: 1, s: 1_000, h: 3_600_000, day: 86_400_000, days: 86_400_000 };

/**
 * Tests look into tables in PostgreSQL's words; this says the same on the other databases, as far as tests need it.
 * Times are milliseconds there.
 */
export function portable(sql: string, given: unknown[] = []): [sql: string, params: unknown[]] {
  if (databaseType === 'postgres') return [sql, given];
  const isSqlite = databaseType === 'better-sqlite3';
  const { now } = isSqlite ? sqliteDialect : mysqlDialect;
  const params = [...given];
  const text = sql
    .replace(
      /= ANY \(\$(\d+)\)/g,
      (_, n: string) => `IN (${listed(params, params[Number(n) - 1] as unknown[])})`,
    )
    .replace(/interval '(\d+) ?(\w+)'/g, (_, n: string, unit: string) => String(Number(n) * UNITS[unit]!))
    .replace(/\bnow\(\)/g, now(0))
    .replace(/\bgen_random_uuid\(\)/g, isSqlite ? 'hex(randomblob(16))' : 'UUID()')
    .replace(/count\(\*\) FILTER \(WHERE ([^)]*)\)/g, 'SUM(CASE WHEN $1 THEN 1 ELSE 0 END)')
    .replace(/::\w+/g, '')
    .replace(/\bSELECT FROM\b/g, 'SELECT 1 AS one FROM');
  return positional({ sql: text, params });
}

/** Numbers and times as PostgreSQL's driver would have given them out. */
export function asPostgres<Row>(row: Row): Row {
  const entries = Object.entries(row as object).map(([column, value]: [string, unknown]) => {
    if (value !== null && /_(at|until|since)$/.test(column)) return [column, new Date(Number(value))];
    if (/^(n|times|key_count|waiting|total|count|attempts|starts|version)$/.test(column))
      return [column, value === null ? null : Number(value)];
    if (/^(alive|due|late|deletion|deleted)$/.test(column))
      return [column, value === null ? null : Number(value) === 1];
    if (typeof value === 'number' && /^(id|event_id)$/.test(column)) return [column, String(value)];
    return [column, value];
  });
  return Object.fromEntries(entries) as Row;
}
