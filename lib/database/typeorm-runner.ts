import type { QueryRunner } from 'typeorm';

/** TypeORM's own account of the transaction: kept as if TypeORM had opened it, so that one inside is a savepoint. */
export type TypeOrmRunner = QueryRunner & {
  isTransactionActive: boolean;
  transactionDepth: number;
  readonly broadcaster: { broadcast(event: string): Promise<void> };
};

export function markBegun(runner: TypeOrmRunner): void {
  runner.isTransactionActive = true;
  runner.transactionDepth = 1;
}

/** @param event what subscribers are told */
export async function markEnded(
  runner: TypeOrmRunner,
  event: 'AfterTransactionCommit' | 'AfterTransactionRollback',
): Promise<void> {
  runner.isTransactionActive = false;
  runner.transactionDepth = 0;
  await runner.broadcaster.broadcast(event);
}

/** A part that the work has opened with `manager.transaction()` and not awaited. */
export function hasOpenPart(runner: TypeOrmRunner): boolean {
  return runner.isTransactionActive && runner.transactionDepth > 1;
}
