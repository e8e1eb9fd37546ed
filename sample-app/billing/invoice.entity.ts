import { Column, Entity, Index, ManyToOne, OneToMany, PrimaryColumn, type Relation } from 'typeorm';
import { Customer } from './customer.entity';
import { InvoiceLine } from './invoice-line.entity';
import { Subscription } from './subscription.entity';

@Entity()
export class Invoice {
  @PrimaryColumn('text')
  id!: string;

  @Index()
  @Column('text')
  customerId!: string;

  /** None on an invoice that was made by hand. */
  @Index()
  @Column('text', { nullable: true })
  subscriptionId!: string | null;

  @Column('text', { nullable: true })
  number!: string | null;

  @Column('text')
  status!: string;

  /** In cents, as all amounts. */
  @Column('int')
  amountDue!: number;

  @Column('int')
  amountPaid!: number;

  @Column('int')
  attempts!: number;

  @ManyToOne(() => Customer, (customer) => customer.invoices, { createForeignKeyConstraints: false })
  customer?: Relation<Customer>;

  @ManyToOne(() => Subscription, (subscription) => subscription.invoices, {
    createForeignKeyConstraints: false,
  })
  subscription?: Relation<Subscription>;

  @OneToMany(() => InvoiceLine, (line) => line.invoice)
  lines?: Relation<InvoiceLine>[];
}
