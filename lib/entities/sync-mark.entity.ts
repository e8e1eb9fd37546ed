import { EntitySchema } from 'typeorm';
import type { SyncDatabaseType } from './column-types.js';
import { columnsFor, key, optional, named } from './columns.js';

/**
 * How far one handler is: with a record (`eventId` 0: the version it has seen), or with one event (only while that
 * event has a failed handler, or an unfinished one beside a finished one).
 */
export class SyncMarkEntity {
  recordKey!: Buffer;

  /** The inbox id of the event; 0 for a change handler. */
  eventId!: string;

  handler!: string;

  state!: 'done' | 'failed' | 'dead';

  /** The version that a change handler has seen; 0: none, -1: to be shown again. */
  version!: number;

  /** What it has seen was the deletion. */
  deleted!: boolean;

  /** The version at which a change handler failed last. */
  failedVersion!: number;

  /** Failed attempts since the last success. */
  attempts!: number;

  /** Failures that used no attempt, in a row: deadlocks, lost connections. */
  conflicts!: number;

  /** How often a replay made it run again; part of a change's idempotency key. */
  replayNo!: number;

  /** Not to be run before this. */
  dueAt!: Date | null;

  error!: string | null;
}

export function markSchema(database: SyncDatabaseType, prefix: string): EntitySchema<SyncMarkEntity> {
  const { digest, reference, text, longText, flag, time, count } = columnsFor(database);
  return new EntitySchema<SyncMarkEntity>({
    name: SyncMarkEntity.name,
    target: SyncMarkEntity,
    tableName: 'sync_mark',
    columns: named({
      recordKey: key(digest('record_key'), `${prefix}PK_sync_mark`),
      eventId: key(reference('event_id'), `${prefix}PK_sync_mark`),
      handler: key(text(255), `${prefix}PK_sync_mark`),
      state: text(16),
      version: count(),
      deleted: { ...flag(), default: false },
      failedVersion: count('failed_version'),
      attempts: count(),
      conflicts: count(),
      replayNo: count('replay_no'),
      dueAt: optional(time('due_at')),
      error: longText(),
    }),
  });
}
