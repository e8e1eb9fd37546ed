import { CreateSyncTables1763900000000 } from './migrations/1763900000000-create-sync-tables.js';
import { SyncConnectionEntity } from './sync-connection.entity.js';
import { SyncEventEntity } from './sync-event.entity.js';
import { SyncMarkEntity } from './sync-mark.entity.js';
import { SyncRecordEntity } from './sync-record.entity.js';

export { SyncConnectionEntity, SyncEventEntity, SyncMarkEntity, SyncRecordEntity };

/** The module's entities, for a host whose data source lists its entities by hand. */
export const syncEntities = [SyncEventEntity, SyncRecordEntity, SyncMarkEntity, SyncConnectionEntity];

/** The module's migrations, for a host that runs them itself (`migrationsRun: false`). In order; only ever added to. */
export const syncMigrations = [CreateSyncTables1763900000000];
