import { EntitySchema } from 'typeorm';
import type { RunKind, RunState } from '../model/run.js';
import type { SyncDatabaseType } from './column-types.js';
import { columnsFor, named, optional } from './columns.js';

/** One backfill or reconciliation: what was asked for, and how far it has come. */
export class SyncRunEntity {
  id!: string;

  kind!: RunKind;

  source!: string;

  connectionId!: string;

  state!: RunState;

  /** JSON: what it is to do. */
  request!: string | null;

  /** JSON: by resource, what it has done. */
  progress!: string | null;

  startedAt!: Date;

  /** Not to be gone on with before this. */
  dueAt!: Date;

  finishedAt!: Date | null;

  /** Drawn by the process that works on it; it may write the progress as long as it stands. */
  leaseToken!: string | null;

  leaseUntil!: Date | null;
}

export function runSchema(database: SyncDatabaseType, _prefix: string): EntitySchema<SyncRunEntity> {
  const { id, text, longText, time, timeOfInsert, token } = columnsFor(database);
  return new EntitySchema<SyncRunEntity>({
    name: SyncRunEntity.name,
    target: SyncRunEntity,
    tableName: 'sync_run',
    columns: named({
      id: id(),
      kind: text(16),
      source: text(64),
      connectionId: text(255, 'connection_id'),
      state: { ...text(16), default: 'running' },
      request: longText(),
      progress: longText(),
      startedAt: timeOfInsert('started_at'),
      dueAt: timeOfInsert('due_at'),
      finishedAt: optional(time('finished_at')),
      leaseToken: token('lease_token'),
      leaseUntil: optional(time('lease_until')),
    }),
  });
}
