import { Column, Entity, PrimaryColumn } from 'typeorm';

/** One account at a source. */
@Entity({ name: 'sync_connection' })
export class SyncConnectionEntity {
  @PrimaryColumn({ type: 'varchar', length: 64, primaryKeyConstraintName: 'PK_sync_connection' })
  source!: string;

  @PrimaryColumn({
    name: 'connection_id',
    type: 'varchar',
    length: 255,
    primaryKeyConstraintName: 'PK_sync_connection',
  })
  connectionId!: string;

  /** Drawn before a request whose answer is used outside a lease; orders such answers against saved states. */
  @Column({ type: 'bigint', default: 0 })
  ticket!: string;

  /** Event handlers are given nothing from before. */
  @Column({ name: 'start_at', type: 'timestamptz', default: () => 'now()' })
  startAt!: Date;
}
