import { Injectable } from '@nestjs/common';
import { mirror, type RecordRef } from 'nestjs-hybrid-sync';
import type Stripe from 'stripe';
import { Column, Entity, Index, PrimaryColumn, PrimaryGeneratedColumn, UpdateDateColumn } from 'typeorm';
import { startHost, type Host } from '../support/host.js';
import { quick, send, settled } from '../support/scenario.js';

@Entity()
class Contact {
  @PrimaryGeneratedColumn('uuid')
  id!: string;

  @Column({ name: 'stripe_id', type: 'varchar', length: 64, unique: true })
  stripeId!: string;

  @Column({ type: 'text', nullable: true })
  email!: string | null;

  /** The host's own, of which the mirror knows nothing. */
  @Column({ type: 'varchar', default: 'none' })
  note!: string;

  @UpdateDateColumn({ name: 'updated_at' })
  updatedAt!: Date;
}

@Entity()
@Index(['account', 'number'], { unique: true })
class Article {
  @PrimaryGeneratedColumn()
  id!: number;

  @Column({ type: 'varchar', length: 64 })
  account!: string;

  @Column({ type: 'varchar', length: 64 })
  number!: string;

  @Column('text')
  title!: string;

  @Column({ type: 'varchar', default: 'active' })
  state!: string;
}

@Entity()
class Known {
  @PrimaryColumn({ type: 'varchar', length: 64 })
  stripeId!: string;
}

/** Has a unique column that is not the mirror's key. */
@Entity()
class Tariff {
  @PrimaryColumn({ type: 'varchar', length: 64 })
  stripeId!: string;

  @Column({ type: 'varchar', length: 64, unique: true })
  nickname!: string;
}

@Injectable()
class Titles {
  readonly prefix = 'Article: ';
}

@Injectable()
class ArticleMap {
  constructor(private readonly titles: Titles) {}

  async map(product: Stripe.Product): Promise<Partial<Article> | null> {
    return product.active ? { title: this.titles.prefix + product.name } : null;
  }
}

describe('a mirror', () => {
  let host: Host;

  beforeAll(async () => {
    host = await startHost({
      ...quick,
      source: { ...quick.source, maxAttempts: 1 },
      entities: [Contact, Article, Known, Tariff],
      providers: [Titles, ArticleMap],
      mirrors: [
        mirror('stripe', 'customer', {
          to: Contact,
          key: ['stripeId'],
          map: ({ email }: Stripe.Customer) => ({ email }),
        }),
        mirror({ provider: 'stripe' }, 'product', {
          to: Article,
          key: ({ connectionId, id }: RecordRef) => ({ account: connectionId, number: id }),
          map: ArticleMap,
          onDelete: { set: { state: 'gone' } },
        }),
        mirror('stripe', 'price', {
          to: Tariff,
          key: ['stripeId'],
          map: ({ nickname }: Stripe.Price) => ({ nickname: nickname! }),
        }),
        mirror('stripe', 'coupon', { to: Known, key: ['stripeId'], map: () => ({}), onDelete: 'keep' }),
      ],
    });
  });
  afterAll(() => host?.close());

  const quiet = { delivery: 'unlogged' } as const;
  async function tell(object: { object: string; id: string }, type = `${object.object}.updated`) {
    await send(host, object, { type });
    await settled(host);
    expect(await host.sql('SELECT DISTINCT state FROM sync_event')).toEqual([{ state: 'completed' }]);
  }
  const rows = <T extends object>(entity: new () => T) => host.dataSource.getRepository(entity).find();

  it('keeps a row for each record, and writes only what its map returns', async () => {
    const customer = host.stripe.create('customer', { email: 'ada@example.com' }, quiet);
    await tell(customer);
    const [created] = await rows(Contact);
    expect(created).toMatchObject({ stripeId: customer.id, email: 'ada@example.com', note: 'none' });

    const before = { note: 'calls on Mondays', updatedAt: new Date(1_000) };
    await host.dataSource.getRepository(Contact).update(created!.id, before);
    host.stripe.update('customer', customer.id, { email: 'ada@lovelace.org' }, quiet);
    await tell(customer);
    const [updated] = await rows(Contact);
    expect(updated).toMatchObject({ id: created!.id, email: 'ada@lovelace.org', note: 'calls on Mondays' });
    // Some databases leave out fractions of a second.
    expect(updated!.updatedAt.getTime()).toBeGreaterThan(created!.updatedAt.getTime() - 1_000);

    host.stripe.delete('customer', customer.id, quiet);
    await tell(customer, 'customer.deleted');
    expect(await rows(Contact)).toEqual([]);
  });

  it('takes over a row that is there already', async () => {
    const customer = host.stripe.create('customer', { email: 'new@example.com' }, quiet);
    await host.dataSource.getRepository(Contact).insert({ stripeId: customer.id, email: 'old@example.com' });
    await tell(customer);
    expect(await rows(Contact)).toMatchObject([{ stripeId: customer.id, email: 'new@example.com' }]);
  });

  it('takes a provider for its map, a function for its key, and marks what is gone', async () => {
    const product = host.stripe.create('product', { name: 'tea' }, quiet);
    await tell(product);
    expect(await rows(Article)).toMatchObject([
      { account: 'default', number: product.id, title: 'Article: tea', state: 'active' },
    ]);
    host.stripe.delete('product', product.id, quiet);
    await tell(product, 'product.deleted');
    expect(await rows(Article)).toMatchObject([{ title: 'Article: tea', state: 'gone' }]);
  });

  it('treats what the map has no row for as gone', async () => {
    await host.dataSource.getRepository(Article).clear();
    const product = host.stripe.create('product', { name: 'tea', active: false }, quiet);
    await tell(product);
    expect(await rows(Article)).toEqual([]);
    host.stripe.update('product', product.id, { active: true }, quiet);
    await tell(product);
    host.stripe.update('product', product.id, { active: false }, quiet);
    await tell(product);
    expect(await rows(Article)).toMatchObject([{ state: 'gone' }]);
  });

  it('never overwrites the row of another record, whatever the two have in common', async () => {
    const [first, second] = [1, 2].map(() => host.stripe.create('price', { nickname: 'gold' }, quiet));
    await tell(first!);
    await send(host, second!);
    await settled(host);
    expect(await rows(Tariff)).toEqual([{ stripeId: first!.id, nickname: 'gold' }]);
    expect(await host.sql(`SELECT dead_by FROM sync_event WHERE state = 'dead'`)).toEqual([
      { dead_by: '["mirror:stripe.price>Tariff"]' },
    ]);
    await host.sql('DELETE FROM sync_event');
    host.stripe.update('price', first!.id, { nickname: 'silver' }, quiet);
    await tell(first!);
    expect(await rows(Tariff)).toEqual([{ stripeId: first!.id, nickname: 'silver' }]);
  });

  it('may be of nothing but keys, and keep them', async () => {
    const coupon = host.stripe.create('coupon', {}, quiet);
    await tell(coupon);
    host.stripe.update('coupon', coupon.id, { name: 'half' }, quiet);
    await tell(coupon);
    host.stripe.delete('coupon', coupon.id, quiet);
    await tell(coupon, 'coupon.deleted');
    expect(await rows(Known)).toEqual([{ stripeId: coupon.id }]);
  });

  it('has a name that says what it does', async () => {
    expect(await host.sql('SELECT DISTINCT handler FROM sync_mark ORDER BY 1')).toEqual([
      { handler: 'mirror:stripe.coupon>Known' },
      { handler: 'mirror:stripe.customer>Contact' },
      { handler: 'mirror:stripe.price>Tariff' },
      { handler: 'mirror:stripe.product>Article' },
    ]);
  });
});
