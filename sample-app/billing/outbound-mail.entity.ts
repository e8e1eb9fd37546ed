import { Column, CreateDateColumn, Entity, PrimaryColumn } from 'typeorm';

/** The outbox: mails to be sent by whatever sends mails, each written exactly once. */
@Entity()
export class OutboundMail {
  /** The idempotency key of what made it. */
  @PrimaryColumn('uuid')
  id!: string;

  /** The event behind it. */
  @Column('text')
  eventId!: string;

  @Column('text')
  invoiceId!: string;

  /** None if the customer has no address, or is gone. */
  @Column('text', { nullable: true })
  to!: string | null;

  @Column('text')
  subject!: string;

  @CreateDateColumn({ type: 'timestamptz' })
  createdAt!: Date;
}
