import { mirror, type RecordRef } from 'nestjs-hybrid-sync';
import type Stripe from 'stripe';
import { Column, Entity, PrimaryGeneratedColumn } from 'typeorm';
import { startHost, type Host } from '../support/host.js';
import { quick, send, settled } from '../support/scenario.js';

@Entity()
class Product {
  @PrimaryGeneratedColumn()
  id!: number;

  @Column('text')
  account!: string;

  @Column('text')
  number!: string;

  @Column('text')
  title!: string;
}

type Key = (record: RecordRef) => object;

describe('a mirror whose key is a function', () => {
  const usual: Key = ({ connectionId, id }) => ({ account: connectionId, number: id });
  let key: Key = usual;
  let host: Host;
  beforeAll(async () => {
    host = await startHost({
      ...quick,
      source: { ...quick.source, maxAttempts: 1 },
      entities: [Product],
      mirrors: [
        mirror('stripe', 'product', {
          to: Product,
          key: (record) => key(record),
          map: ({ name }: Stripe.Product) => ({ title: name }),
        }),
      ],
    });
  });
  afterAll(() => host?.close());

  const rows = () => host.dataSource.getRepository(Product).find();
  /** What `explain()` says of an event about a new product. */
  async function told(): Promise<string> {
    const product = host.stripe.create('product', { name: 'tea' }, { delivery: 'unlogged' });
    const event = await send(host, product);
    await settled(host);
    return host.sync.explain(event);
  }

  it('is told what is missing where nothing is unique, and works when it is there', async () => {
    key = usual;
    expect(await told()).toMatch(
      /SYNC_MIRROR_KEY_NOT_UNIQUE: the mirror of 'product' finds its rows by account and number, and the table product has no primary key.*@Unique\(\['account', 'number'\]\)/,
    );
    expect(await rows()).toEqual([]);

    await host.sql('CREATE UNIQUE INDEX ON product (number, account)');
    await host.sync.replay({ state: 'dead' });
    await settled(host);
    expect(await rows()).toMatchObject([{ account: 'default', title: 'tea' }]);
  });

  it.each<[string, Key, RegExp]>([
    [
      'nothing',
      () => undefined as never,
      /must give an object with at least one property, and gave undefined/,
    ],
    ['an empty object', () => ({}), /must give an object with at least one property, and gave an object/],
    ['no value', () => ({ number: undefined }), /gave undefined for number, which identifies no row/],
    [
      'another property',
      ({ id }) => ({ nummer: id }),
      /Product has no such property: 'nummer'\. Did you mean 'number'\?/,
    ],
    ['half of a key', ({ id }) => ({ number: id }), /SYNC_MIRROR_KEY_NOT_UNIQUE.*by number/],
  ])('that gives %s is told so', async (_, wrong, text) => {
    key = wrong;
    expect(await told()).toMatch(text);
  });
});
