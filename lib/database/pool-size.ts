import type { DataSource } from 'typeorm';

/** What `pg` and `mysql2` take if they are told nothing. */
const DEFAULT_POOL_SIZE = 10;

/** How many connections a data source's pool may have. SQLite has no pool: its transactions wait in line. */
export function poolSizeOf({ options }: DataSource): number {
  if (options.type === 'better-sqlite3') return Infinity;
  const { extra, poolSize } = options as {
    extra?: { max?: number; connectionLimit?: number };
    poolSize?: number;
  };
  return extra?.max ?? extra?.connectionLimit ?? poolSize ?? DEFAULT_POOL_SIZE;
}
