import { Column, Entity, OneToMany, PrimaryColumn, type Relation } from 'typeorm';
import { Invoice } from './invoice.entity';
import { Subscription } from './subscription.entity';

/** A customer at Stripe, as long as it exists there. */
@Entity()
export class Customer {
  @PrimaryColumn('text')
  id!: string;

  @Column('text', { nullable: true })
  name!: string | null;

  @Column('text', { nullable: true })
  email!: string | null;

  @Column('timestamptz')
  createdAt!: Date;

  @OneToMany(() => Subscription, (subscription) => subscription.customer)
  subscriptions?: Relation<Subscription>[];

  @OneToMany(() => Invoice, (invoice) => invoice.customer)
  invoices?: Relation<Invoice>[];
}
