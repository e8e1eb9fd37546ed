import { Column, Entity, PrimaryColumn } from 'typeorm';

@Entity()
export class Person {
  @PrimaryColumn('text')
  stripeId!: string;

  @Column('text', { nullable: true })
  email!: string | null;
}

@Entity()
export class Invoice {
  @PrimaryColumn('text')
  stripeId!: string;

  @Column('text')
  personId!: string;

  @Column('text')
  status!: string;
}

@Entity()
export class Notice {
  @PrimaryColumn('uuid')
  id!: string;

  @Column('text')
  invoiceId!: string;
}
