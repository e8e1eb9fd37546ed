import { EntitySchema } from 'typeorm';
import type { SyncDatabaseType } from './column-types.js';
import { columnsFor, key, named } from './columns.js';

/** One account at a source. */
export class SyncConnectionEntity {
  source!: string;

  connectionId!: string;

  /** Drawn before a request whose answer is used outside a lease; orders such answers against saved states. */
  ticket!: string;

  /** Event handlers are given nothing from before. */
  startAt!: Date;
}

export function connectionSchema(
  database: SyncDatabaseType,
  prefix: string,
): EntitySchema<SyncConnectionEntity> {
  const { text, counter, timeOfInsert } = columnsFor(database);
  return new EntitySchema<SyncConnectionEntity>({
    name: SyncConnectionEntity.name,
    target: SyncConnectionEntity,
    tableName: 'sync_connection',
    columns: named({
      source: key(text(64), `${prefix}PK_sync_connection`),
      connectionId: key(text(255, 'connection_id'), `${prefix}PK_sync_connection`),
      ticket: counter(),
      startAt: timeOfInsert('start_at'),
    }),
  });
}
