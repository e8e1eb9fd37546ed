import type { Dialect } from './dialect.js';

/** How PostgreSQL and SQLite say what becomes of a row whose key is there already. */
export const onConflict: Pick<Dialect, 'ignoreClash' | 'updateOnClash' | 'given' | 'kept'> = {
  ignoreClash: (key) => `ON CONFLICT (${key.join(', ')}) DO NOTHING`,

  updateOnClash(key, set) {
    const assignments = Object.entries(set).map(([column, sql]) => `${column} = ${sql}`);
    return `ON CONFLICT (${key.join(', ')}) DO UPDATE SET ${assignments.join(', ')}`;
  },

  given: (column) => `EXCLUDED.${column}`,

  kept: (table, column) => `${table}.${column}`,
};
