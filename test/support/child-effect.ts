import { Column, Entity, PrimaryGeneratedColumn } from 'typeorm';

/** A write of a child's handler. No key but its own: what happens twice is there twice. */
@Entity({ name: 'effect' })
export class ChildEffect {
  @PrimaryGeneratedColumn()
  id!: number;

  @Column('text')
  handler!: string;

  @Column('text', { name: 'record_id' })
  recordId!: string;

  @Column('text')
  cause!: string;

  @Column('text', { name: 'idempotency_key' })
  idempotencyKey!: string;
}
