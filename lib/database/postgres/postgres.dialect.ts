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

  /** Steps from lane to lane through the index. */
  lanes(eventTable) {
    const first = `SELECT source, connection_id FROM ${eventTable} WHERE state = 'waiting'`;
    return `WITH RECURSIVE lane AS (
         (${first} ORDER BY source, connection_id LIMIT 1)
         UNION ALL
         SELECT next.source, next.connection_id FROM lane, LATERAL (
           ${first} AND (source, connection_id) > (lane.source, lane.connection_id)
           ORDER BY source, connection_id LIMIT 1) AS next)
       SELECT source, connection_id FROM lane`;
  },
};
