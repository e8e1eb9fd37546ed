import type { Dialect } from '../dialect.js';
import { isListed, whole } from '../statement.js';

/** Milliseconds since 1970, whatever the session's time zone. */
const NOW = `(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(3)) DIV 1000)`;

/** MySQL and MariaDB. */
export const mysqlDialect: Dialect = {
  hasArrays: false,
  isOneOf: isListed,
  forUpdate: 'FOR UPDATE',

  now: (aheadMs) => (aheadMs === 0 ? NOW : `(${NOW} + ${whole(aheadMs)})`),

  elapsedMs: (from, to) => `(${to} - ${from})`,

  // Not INSERT IGNORE, which would also cut off what is too long.
  ignoreClash: ([column]) => `ON DUPLICATE KEY UPDATE ${column} = VALUES(${column})`,

  updateOnClash(_key, set) {
    const assignments = Object.entries(set).map(([column, sql]) => `${column} = ${sql}`);
    return `ON DUPLICATE KEY UPDATE ${assignments.join(', ')}`;
  },
  given: (column) => `VALUES(${column})`,
  kept: (table, column) => `${table}.${column}`,

  // A space at the end counts for nothing when it compares.
  isText: (column, text) => `(${column} = ${text} AND LENGTH(${column}) = LENGTH(${text}))`,

  includes: (text, part) => `COALESCE(LOCATE(${part}, ${text}) > 0, FALSE)`,

  // Which an index answers by stepping from one to the next.
  distinct: (table, columns, where) => `SELECT DISTINCT ${columns.join(', ')} FROM ${table} WHERE ${where}`,
};
