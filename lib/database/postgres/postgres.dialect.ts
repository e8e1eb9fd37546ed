import type { Dialect } from '../dialect.js';
import { onConflict } from '../on-conflict.js';
import { whole } from '../statement.js';

export const postgresDialect: Dialect = {
  ...onConflict,
  hasArrays: true,
  forUpdate: 'FOR UPDATE',

  now: (aheadMs) => (aheadMs === 0 ? 'now()' : `(now() + interval '${whole(aheadMs)} milliseconds')`),

  elapsedMs: (from, to) => `(EXTRACT(EPOCH FROM ${to} - ${from}) * 1000)::float8`,

  isText: (column, text) => `${column} = ${text}`,

  includes: (text, part) => `COALESCE(strpos(${text}, ${part}) > 0, false)`,

  /** Steps from one to the next through the index, which the server does not do by itself. */
  distinct(table, columns, where) {
    const listOf = (prefix: string) => columns.map((column) => `${prefix}${column}`).join(', ');
    const all = listOf('');
    const first = `SELECT ${all} FROM ${table} WHERE ${where}`;
    return `WITH RECURSIVE step AS (
         (${first} ORDER BY ${all} LIMIT 1)
         UNION ALL
         SELECT ${listOf('next.')} FROM step, LATERAL (
           ${first} AND (${all}) > (${listOf('step.')}) ORDER BY ${all} LIMIT 1) AS next)
       SELECT ${all} FROM step`;
  },
};
