import { EntitySchema } from 'typeorm';
import { hasPartialIndexes, type SyncDatabaseType } from './column-types.js';
import { columnsFor, key, optional, named } from './columns.js';

/** What is known of one remote object, and who may work on it: the one row that every pass must hold. */
export class SyncRecordEntity {
  /** 16 bytes over (source, connection, resource, id). */
  recordKey!: Buffer;

  source!: string;

  connectionId!: string;

  resource!: string;

  recordId!: string;

  /** Rises with every change of content; 0: never fetched. */
  version!: number;

  fingerprint!: string | null;

  /** Which meaning of the connector's fingerprint this is. */
  fingerprintRevision!: number;

  /** A tombstone: gone at the provider since. */
  deletedAt!: Date | null;

  /** When its state was last written. */
  savedAt!: Date | null;

  /** The connection's ticket counter at the last save: what was requested before it is older. */
  ticket!: string;

  /** The provider's time of the newest event that a pass has had before it. */
  newestEventAt!: Date | null;

  /** When the last of its events came that the provider has told of by itself, by webhook or in its log, of those that are settled. */
  deliveredAt!: Date | null;

  /** When an event of it was skipped because nobody handles its type; null: since then others were handled. */
  ignoredAt!: Date | null;

  /** Drawn by the claim; only a changed token stops the owner. */
  leaseToken!: string | null;

  /** When another worker may claim it. */
  leaseUntil!: Date | null;

  /** Drawn by each transaction's fence; its settle must find it again. */
  txToken!: string | null;

  /** Claims since the last outcome: how many workers did not come back from it. */
  starts!: number;

  /** Failed fetches that count against this record. */
  fetchFailures!: number;

  fetchFailedAt!: Date | null;

  /** Not to be fetched before this. */
  fetchDueAt!: Date | null;

  /** Reads in a row that did not find it. */
  missingReads!: number;

  missingSince!: Date | null;
}

export function recordSchema(database: SyncDatabaseType, prefix: string): EntitySchema<SyncRecordEntity> {
  const { digest, text, time, token, count, counter } = columnsFor(database);
  return new EntitySchema<SyncRecordEntity>({
    name: SyncRecordEntity.name,
    target: SyncRecordEntity,
    tableName: 'sync_record',
    columns: named({
      recordKey: key(digest('record_key'), `${prefix}PK_sync_record`),
      source: text(64),
      connectionId: text(255, 'connection_id'),
      resource: text(255),
      recordId: text(255, 'record_id'),
      version: count(),
      fingerprint: optional(text(64)),
      fingerprintRevision: count('fingerprint_revision'),
      deletedAt: optional(time('deleted_at')),
      savedAt: optional(time('saved_at')),
      ticket: counter(),
      newestEventAt: optional(time('newest_event_at')),
      leaseToken: token('lease_token'),
      leaseUntil: optional(time('lease_until')),
      txToken: token('tx_token'),
      starts: count(),
      fetchFailures: count('fetch_failures'),
      fetchFailedAt: optional(time('fetch_failed_at')),
      fetchDueAt: optional(time('fetch_due_at')),
      missingReads: count('missing_reads'),
      missingSince: optional(time('missing_since')),
      deliveredAt: optional(time('delivered_at')),
      ignoredAt: optional(time('ignored_at')),
    }),
    indices: [
      {
        name: `${prefix}IX_sync_record_deleted`,
        columns: ['source', 'connectionId', 'deletedAt'],
        ...(hasPartialIndexes(database) && { where: 'deleted_at IS NOT NULL' }),
      },
    ],
  });
}
