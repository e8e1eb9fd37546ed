import { Column, Entity, Index, PrimaryGeneratedColumn } from 'typeorm';
import type { EventOrigin, EventState } from '../model/event.js';

/** The inbox: one row for each event, from before the provider is thanked for it until long after it is settled. */
@Entity({ name: 'sync_event' })
@Index('UQ_sync_event_dedupe', ['dedupeKey'], { unique: true })
@Index('IX_sync_event_due', ['source', 'connectionId', 'availableAt'], { where: `state = 'waiting'` })
@Index('IX_sync_event_record', ['recordKey'], { where: `state IN ('waiting', 'dead')` })
@Index('IX_sync_event_dead', ['source', 'settledAt'], { where: `state = 'dead'` })
export class SyncEventEntity {
  /** Counts up as rows are inserted, which is not the order in which they commit. */
  @PrimaryGeneratedColumn('identity', { type: 'bigint', generatedIdentity: 'ALWAYS' })
  id!: string;

  /** 16 bytes, equal for every delivery of one event about one record. */
  @Column({ name: 'dedupe_key', type: 'bytea' })
  dedupeKey!: Buffer;

  @Column({ type: 'varchar', length: 64 })
  source!: string;

  @Column({ name: 'connection_id', type: 'varchar', length: 255 })
  connectionId!: string;

  @Column({ type: 'varchar', length: 255 })
  resource!: string;

  /** The record's id; `event:<dedupe key>` for an event about nothing that has one. */
  @Column({ name: 'record_id', type: 'varchar', length: 255 })
  recordId!: string;

  /** 16 bytes that name the record. */
  @Column({ name: 'record_key', type: 'bytea' })
  recordKey!: Buffer;

  /** The provider's id of the event. */
  @Column({ name: 'event_id', type: 'varchar', length: 255, nullable: true })
  eventId!: string | null;

  @Column({ type: 'varchar', length: 255 })
  type!: string;

  @Column({ type: 'varchar', length: 16 })
  origin!: EventOrigin;

  /** The provider says that the record is gone. */
  @Column({ type: 'boolean', default: false })
  deletion!: boolean;

  /** By the provider's clock. */
  @Column({ name: 'occurred_at', type: 'timestamptz', nullable: true })
  occurredAt!: Date | null;

  @Column({ name: 'received_at', type: 'timestamptz', default: () => 'now()' })
  receivedAt!: Date;

  @Column({ type: 'varchar', length: 16, default: 'waiting' })
  state!: EventState;

  /** Why it is `skipped` or `dead`, where no handler's error says it. */
  @Column({ type: 'varchar', length: 32, nullable: true })
  reason!: string | null;

  /** While waiting: not to be run before this. */
  @Column({ name: 'available_at', type: 'timestamptz', default: () => 'now()' })
  availableAt!: Date;

  /** While waiting: for what. */
  @Column({ name: 'wait_reason', type: 'varchar', length: 32, nullable: true })
  waitReason!: string | null;

  /** It came after a newer event of its record had been handled; null: not decided yet. */
  @Column({ type: 'boolean', nullable: true })
  late!: boolean | null;

  @Column({ name: 'replayed_at', type: 'timestamptz', nullable: true })
  replayedAt!: Date | null;

  /** How often all its handlers were made to run again; part of the idempotency key. */
  @Column({ name: 'replay_no', type: 'int', default: 0 })
  replayNo!: number;

  /** JSON array: the names of the handlers that are done with it. */
  @Column({ name: 'succeeded_by', type: 'text', nullable: true })
  succeededBy!: string | null;

  /** JSON array: the names of the handlers that gave up. */
  @Column({ name: 'dead_by', type: 'text', nullable: true })
  deadBy!: string | null;

  /** The last error's message, cut short. */
  @Column({ type: 'text', nullable: true })
  error!: string | null;

  @Column({ name: 'settled_at', type: 'timestamptz', nullable: true })
  settledAt!: Date | null;

  /** What the provider sent, as text; base64 of the whole body where `reason` is `unstorable`. */
  @Column({ type: 'text', nullable: true })
  payload!: string | null;
}
