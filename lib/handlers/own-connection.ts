import type { EntityManager } from 'typeorm';
import { dataSourceOf } from '../entities/data-source-of.js';

/** Gives a manager on a connection of its own, outside of any transaction that may be open. */
export async function onOwnConnection<T>(
  manager: EntityManager,
  read: (own: EntityManager) => Promise<T>,
): Promise<T> {
  const host = dataSourceOf(manager);
  const runner = host.createQueryRunner();
  try {
    return await read(host.createEntityManager(runner));
  } finally {
    await runner.release();
  }
}
