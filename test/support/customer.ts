import { Column, Entity, PrimaryColumn } from 'typeorm';

/** A table of the host's with a row for each customer. */
@Entity()
export class Customer {
  @PrimaryColumn({ type: 'varchar', length: 100 })
  id!: string;

  @Column('text', { nullable: true })
  email!: string | null;
}
