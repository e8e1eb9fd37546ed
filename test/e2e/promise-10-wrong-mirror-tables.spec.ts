import { TypeOrmModule } from '@nestjs/typeorm';
import { mirror, SyncModule } from 'nestjs-hybrid-sync';
import { Column, Entity, PrimaryColumn, PrimaryGeneratedColumn } from 'typeorm';
import { applicationOf, BootLab, source } from '../support/wrong-setup.js';

@Entity()
class Customer {
  @PrimaryColumn('text')
  stripeId!: string;
}

@Entity()
class Article {
  @PrimaryGeneratedColumn()
  id!: number;

  @Column({ name: 'product_id', type: 'text' })
  productId!: string;
}

/** A mirror to a table that is there when the application boots, as migrations have made it. */
describe('a mirror whose table has no unique key fails at boot, whatever the entity says', () => {
  let lab: BootLab;
  beforeAll(async () => {
    lab = await BootLab.open();
    await lab.client.query('CREATE TABLE customer ("stripeId" text)');
  });
  afterAll(() => lab.close());

  beforeEach(() =>
    lab.client.query('CREATE TABLE article (id serial PRIMARY KEY, product_id text, account text)'),
  );
  afterEach(() => lab.client.query('DROP TABLE article'));

  const entities = TypeOrmModule.forFeature([Customer, Article]);
  const articles = SyncModule.forFeature({
    mirrors: [mirror('stripe', 'product', { to: Article, key: ['productId'], map: () => ({}) })],
  });
  const customers = SyncModule.forFeature({
    mirrors: [mirror('stripe', 'customer', { to: Customer, key: ['stripeId'], map: () => ({}) })],
  });

  it.each(['CREATE UNIQUE INDEX ON article (product_id)', 'ALTER TABLE article ADD UNIQUE (product_id)'])(
    '%s: one that the entity does not mention will do',
    async (migration) => {
      await lab.client.query(migration);
      const root = SyncModule.forRoot({ sources: { stripe: source() } });
      const app = await applicationOf([lab.typeOrm(), root, entities, articles]);
      await app.init();
      await app.close();
    },
  );

  it.each([
    'SELECT',
    'CREATE UNIQUE INDEX ON article (product_id) WHERE account IS NULL',
    'CREATE UNIQUE INDEX ON article (account, product_id)',
    'ALTER TABLE article ADD UNIQUE (product_id) DEFERRABLE',
  ])('%s: none that an upsert could use', async (migration) => {
    await lab.client.query(migration);
    await lab.assertFailure({
      code: 'SYNC_MIRROR_KEY_NOT_UNIQUE',
      fix: /by productId, and the table article has no primary key/,
      imports: [entities, articles],
    });
  });

  it('that the entity calls it a primary key is not enough', () =>
    lab.assertFailure({
      code: 'SYNC_MIRROR_KEY_NOT_UNIQUE',
      fix: /the table customer has no primary key/,
      imports: [entities, customers],
    }));
});
