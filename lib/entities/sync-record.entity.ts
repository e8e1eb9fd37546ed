import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

/** What is known of one remote object, and who may work on it: the one row that every pass must hold. */
@Entity({ name: 'sync_record' })
@Index('IX_sync_record_deleted', ['source', 'connectionId', 'deletedAt'], { where: 'deleted_at IS NOT NULL' })
export class SyncRecordEntity {
  /** 16 bytes over (source, connection, resource, id). */
  @PrimaryColumn({ name: 'record_key', type: 'bytea', primaryKeyConstraintName: 'PK_sync_record' })
  recordKey!: Buffer;

  @Column({ type: 'varchar', length: 64 })
  source!: string;

  @Column({ name: 'connection_id', type: 'varchar', length: 255 })
  connectionId!: string;

  @Column({ type: 'varchar', length: 255 })
  resource!: string;

  @Column({ name: 'record_id', type: 'varchar', length: 255 })
  recordId!: string;

  /** Rises with every change of content; 0: never fetched. */
  @Column({ type: 'int', default: 0 })
  version!: number;

  @Column({ type: 'varchar', length: 64, nullable: true })
  fingerprint!: string | null;

  /** Which meaning of the connector's fingerprint this is. */
  @Column({ name: 'fingerprint_revision', type: 'int', default: 0 })
  fingerprintRevision!: number;

  /** A tombstone: gone at the provider since. */
  @Column({ name: 'deleted_at', type: 'timestamptz', nullable: true })
  deletedAt!: Date | null;

  /** When its state was last written. */
  @Column({ name: 'saved_at', type: 'timestamptz', nullable: true })
  savedAt!: Date | null;

  /** The connection's ticket counter at the last save: what was requested before it is older. */
  @Column({ type: 'bigint', default: 0 })
  ticket!: string;

  /** The provider's time of the newest event that a pass has had before it. */
  @Column({ name: 'newest_event_at', type: 'timestamptz', nullable: true })
  newestEventAt!: Date | null;

  /** Drawn by the claim; only a changed token stops the owner. */
  @Column({ name: 'lease_token', type: 'uuid', nullable: true })
  leaseToken!: string | null;

  /** When another worker may claim it. */
  @Column({ name: 'lease_until', type: 'timestamptz', nullable: true })
  leaseUntil!: Date | null;

  /** Drawn by each transaction's fence; its settle must find it again. */
  @Column({ name: 'tx_token', type: 'uuid', nullable: true })
  txToken!: string | null;

  /** Claims since the last outcome: how many workers did not come back from it. */
  @Column({ type: 'int', default: 0 })
  starts!: number;

  /** Failed fetches that count against this record. */
  @Column({ name: 'fetch_failures', type: 'int', default: 0 })
  fetchFailures!: number;

  @Column({ name: 'fetch_failed_at', type: 'timestamptz', nullable: true })
  fetchFailedAt!: Date | null;

  /** Not to be fetched before this. */
  @Column({ name: 'fetch_due_at', type: 'timestamptz', nullable: true })
  fetchDueAt!: Date | null;

  /** Reads in a row that did not find it. */
  @Column({ name: 'missing_reads', type: 'int', default: 0 })
  missingReads!: number;

  @Column({ name: 'missing_since', type: 'timestamptz', nullable: true })
  missingSince!: Date | null;
}
