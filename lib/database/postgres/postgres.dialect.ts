import type { Dialect, KeyKind } from '../dialect.js';
import { onConflict } from '../on-conflict.js';
import { whole } from '../statement.js';

const TYPES: Record<KeyKind, string> = { digest: 'bytea', id: 'bigint', text: 'text' };

export const postgresDialect: Dialect = {
  ...onConflict,
  hasArrays: true,
  forUpdate: 'FOR UPDATE',

  /**
   * The list comes from a subquery, so that a plan is made without looking at it: for each of a hundred values the server would
   * ask its statistics how many rows that may be, which takes longer than to find them.
   */
  isOneOf(column, kind, values, params) {
    const given = `$${params.push(values.length === 1 ? values[0] : values)}`;
    if (values.length === 1) return `${column} = ${given}`;
    const list = `${TYPES[kind]}[]`;
    return `${column} = ANY ((SELECT ${given}::${list})::${list})`;
  },

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
