import { Column, Entity, Index, ManyToOne, OneToMany, PrimaryColumn, type Relation } from 'typeorm';
import { Customer } from './customer.entity';
import { Invoice } from './invoice.entity';

@Entity()
export class Subscription {
  @PrimaryColumn('text')
  id!: string;

  @Index()
  @Column('text')
  customerId!: string;

  @Column('text')
  status!: string;

  @Column('int')
  seats!: number;

  @Column('boolean')
  cancelAtPeriodEnd!: boolean;

  @Column('timestamptz', { nullable: true })
  currentPeriodEnd!: Date | null;

  // A relation without a foreign key: Stripe keeps the subscriptions and invoices of a customer that it has deleted.
  @ManyToOne(() => Customer, (customer) => customer.subscriptions, { createForeignKeyConstraints: false })
  customer?: Relation<Customer>;

  @OneToMany(() => Invoice, (invoice) => invoice.subscription)
  invoices?: Relation<Invoice>[];
}
