import { EntitySchema } from 'typeorm';
import type { SourceHealth } from '../model/health.js';
import type { SyncDatabaseType } from './column-types.js';
import { columnsFor, key, named, optional } from './columns.js';

/** How far the walk over one connection's log of changes, or its stream, has come, and what it has found the connection to be like. */
export class SyncCursorEntity {
  source!: string;

  connectionId!: string;

  /** `log` of what is asked for, `stream` of what the provider tells by itself; `prune` over the inbox, for old events. */
  kind!: 'log' | 'stream' | 'prune';

  /** Where to go on, in the connector's own words; null: nothing has been read yet. */
  position!: string | null;

  /** JSON array: what of the log there were handlers for on the way there. */
  wanted!: string | null;

  /** The next walk, or the rest of the one that had to stop. */
  dueAt!: Date;

  /** Drawn by the process that walks; it may move the position as long as it stands. */
  walkToken!: string | null;

  /** When another process may walk. */
  walkUntil!: Date | null;

  /** Between two walks, as things are; 0: as the options say. */
  everyMs!: number;

  /** When the log was last read to its end, or the stream opened: what happened before that is known, or comes by it. */
  readAt!: Date | null;

  /** About when a webhook was last accepted, known ones included. */
  deliveredAt!: Date | null;

  health!: SourceHealth;

  /** Since when it is. */
  healthAt!: Date | null;

  /** Walks in a row that the provider kept from their end. */
  failures!: number;

  /** What it said last. */
  error!: string | null;
}

export function cursorSchema(database: SyncDatabaseType, prefix: string): EntitySchema<SyncCursorEntity> {
  const { text, longText, time, timeOfInsert, token, count } = columnsFor(database);
  return new EntitySchema<SyncCursorEntity>({
    name: SyncCursorEntity.name,
    target: SyncCursorEntity,
    tableName: 'sync_cursor',
    columns: named({
      source: key(text(64), `${prefix}PK_sync_cursor`),
      connectionId: key(text(255, 'connection_id'), `${prefix}PK_sync_cursor`),
      kind: { ...key(text(16), `${prefix}PK_sync_cursor`), default: 'log' },
      position: longText(),
      wanted: longText(),
      dueAt: timeOfInsert('due_at'),
      walkToken: token('walk_token'),
      walkUntil: optional(time('walk_until')),
      everyMs: count('every_ms'),
      readAt: optional(time('read_at')),
      deliveredAt: optional(time('delivered_at')),
      health: { ...text(16), default: 'healthy' },
      healthAt: optional(time('health_at')),
      failures: count(),
      error: longText(),
    }),
  });
}
