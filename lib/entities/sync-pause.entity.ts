import { EntitySchema } from 'typeorm';
import type { SyncDatabaseType } from './column-types.js';
import { columnsFor, key, named } from './columns.js';

/** What an operator has paused: a source, one connection of it, or a handler. */
export class SyncPauseEntity {
  source!: string;

  /** Empty: all of the source's. */
  connectionId!: string;

  /** Empty: all of them. */
  handler!: string;

  pausedAt!: Date;
}

export function pauseSchema(database: SyncDatabaseType, prefix: string): EntitySchema<SyncPauseEntity> {
  const { text, timeOfInsert } = columnsFor(database);
  return new EntitySchema<SyncPauseEntity>({
    name: SyncPauseEntity.name,
    target: SyncPauseEntity,
    tableName: 'sync_pause',
    columns: named({
      source: key(text(64), `${prefix}PK_sync_pause`),
      connectionId: key(text(255, 'connection_id'), `${prefix}PK_sync_pause`),
      handler: key(text(255), `${prefix}PK_sync_pause`),
      pausedAt: timeOfInsert('paused_at'),
    }),
  });
}
