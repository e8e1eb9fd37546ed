import type { DataSource } from 'typeorm';
import type { TypeOrmRunner } from '../typeorm-runner.js';

/** The driver's connection. */
export interface SqliteHandle {
  readonly inTransaction: boolean;
  readonly open: boolean;
  pragma(text: string): unknown;
}

/** TypeORM has one runner for a whole data source. With one for each transaction, what comes late is told from the next. */
export function ownRunner(source: DataSource): TypeOrmRunner {
  const Runner = source.createQueryRunner().constructor as new (driver: unknown) => TypeOrmRunner;
  const runner = new Runner(source.driver);
  return Object.assign(runner, { manager: source.createEntityManager(runner) });
}
