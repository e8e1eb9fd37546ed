import type { EntitySchema } from 'typeorm';
import type { SyncDatabaseType } from './column-types.js';
import { CreateSyncTables1763900000000 } from './migrations/1763900000000-create-sync-tables.js';
import { AddRecovery1764100000000 } from './migrations/1764100000000-add-recovery.js';
import { AddDeliveryTimes1764200000000 } from './migrations/1764200000000-add-delivery-times.js';
import { connectionSchema, SyncConnectionEntity } from './sync-connection.entity.js';
import { cursorSchema, SyncCursorEntity } from './sync-cursor.entity.js';
import { findingSchema, SyncFindingEntity } from './sync-finding.entity.js';
import { runSchema, SyncRunEntity } from './sync-run.entity.js';
import { eventSchema, SyncEventEntity } from './sync-event.entity.js';
import { markSchema, SyncMarkEntity } from './sync-mark.entity.js';
import { pauseSchema, SyncPauseEntity } from './sync-pause.entity.js';
import { recordSchema, SyncRecordEntity } from './sync-record.entity.js';

export type { SyncDatabaseType } from './column-types.js';
export {
  SyncConnectionEntity,
  SyncCursorEntity,
  SyncEventEntity,
  SyncFindingEntity,
  SyncMarkEntity,
  SyncPauseEntity,
  SyncRecordEntity,
  SyncRunEntity,
};

/**
 * The module's tables as TypeORM entities, for a host that wants repositories for them: it adds them to its data
 * source's `entities`. For reading: only the module knows what may be written when.
 *
 * @param database the type of the data source, since column types differ
 * @param entityPrefix the data source's, if it has one: names of keys and indexes begin with it too
 */
export function syncEntities(database: SyncDatabaseType, entityPrefix = ''): EntitySchema[] {
  return [
    eventSchema,
    recordSchema,
    markSchema,
    connectionSchema,
    pauseSchema,
    cursorSchema,
    runSchema,
    findingSchema,
  ].map((schema) => schema(database, entityPrefix));
}

/** The module's migrations, for a host that runs them itself (`migrationsRun: false`). In order; only ever added to. */
export const syncMigrations = [
  CreateSyncTables1763900000000,
  AddRecovery1764100000000,
  AddDeliveryTimes1764200000000,
];
