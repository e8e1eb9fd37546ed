import type { Dialect } from '../dialect.js';
import { onConflict } from '../on-conflict.js';
import { isListed, whole } from '../statement.js';

/** Milliseconds since 1970; the same throughout a statement. */
const NOW = `CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER)`;

export const sqliteDialect: Dialect = {
  ...onConflict,
  hasArrays: false,
  isOneOf: isListed,
  // A transaction that writes has the whole database.
  forUpdate: '',

  now: (aheadMs) => (aheadMs === 0 ? NOW : `(${NOW} + ${whole(aheadMs)})`),

  elapsedMs: (from, to) => `(${to} - ${from})`,

  isText: (column, text) => `${column} = ${text}`,

  includes: (text, part) => `COALESCE(instr(${text}, ${part}) > 0, FALSE)`,

  distinct: (table, columns, where) => `SELECT DISTINCT ${columns.join(', ')} FROM ${table} WHERE ${where}`,
};
