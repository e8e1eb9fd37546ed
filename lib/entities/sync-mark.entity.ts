import { Column, Entity, PrimaryColumn } from 'typeorm';

/**
 * How far one handler is: with a record (`eventId` 0: the version it has seen), or with one event (only while that
 * event has a failed handler, or an unfinished one beside a finished one).
 */
@Entity({ name: 'sync_mark' })
export class SyncMarkEntity {
  @PrimaryColumn({ name: 'record_key', type: 'bytea', primaryKeyConstraintName: 'PK_sync_mark' })
  recordKey!: Buffer;

  /** The inbox id of the event; 0 for a change handler. */
  @PrimaryColumn({ name: 'event_id', type: 'bigint', primaryKeyConstraintName: 'PK_sync_mark' })
  eventId!: string;

  @PrimaryColumn({ type: 'varchar', length: 255, primaryKeyConstraintName: 'PK_sync_mark' })
  handler!: string;

  @Column({ type: 'varchar', length: 16 })
  state!: 'done' | 'failed' | 'dead';

  /** The version that a change handler has seen; 0: none, -1: to be shown again. */
  @Column({ type: 'int', default: 0 })
  version!: number;

  /** What it has seen was the deletion. */
  @Column({ type: 'boolean', default: false })
  deleted!: boolean;

  /** The version at which a change handler failed last. */
  @Column({ name: 'failed_version', type: 'int', default: 0 })
  failedVersion!: number;

  /** Failed attempts since the last success. */
  @Column({ type: 'int', default: 0 })
  attempts!: number;

  /** Failures that used no attempt, in a row: deadlocks, lost connections. */
  @Column({ type: 'int', default: 0 })
  conflicts!: number;

  /** How often a replay made it run again; part of a change's idempotency key. */
  @Column({ name: 'replay_no', type: 'int', default: 0 })
  replayNo!: number;

  /** Not to be run before this. */
  @Column({ name: 'due_at', type: 'timestamptz', nullable: true })
  dueAt!: Date | null;

  @Column({ type: 'text', nullable: true })
  error!: string | null;
}
