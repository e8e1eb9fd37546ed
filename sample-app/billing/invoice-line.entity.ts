import { Column, Entity, Index, ManyToOne, PrimaryColumn, type Relation } from 'typeorm';
import { Invoice } from './invoice.entity';

@Entity()
export class InvoiceLine {
  @PrimaryColumn('text')
  id!: string;

  @Index()
  @Column('text')
  invoiceId!: string;

  @Column('text', { nullable: true })
  description!: string | null;

  @Column('int')
  amount!: number;

  @Column('int', { nullable: true })
  quantity!: number | null;

  // One handler writes both in one transaction, so here a foreign key holds.
  @ManyToOne(() => Invoice, (invoice) => invoice.lines, { onDelete: 'CASCADE' })
  invoice?: Relation<Invoice>;
}
