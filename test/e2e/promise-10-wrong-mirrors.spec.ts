import { Injectable, Scope } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { mirror, SyncModule, type SyncConfigCode } from 'nestjs-hybrid-sync';
import { Column, Entity, Index, PrimaryColumn, PrimaryGeneratedColumn, Unique } from 'typeorm';
import { BootLab, type Mistake } from '../support/wrong-setup.js';

/** `any`: a host in JavaScript, or one that has silenced the compiler. */
const anything = (value: unknown): any => value;

@Entity()
class Customer {
  @PrimaryColumn('text')
  stripeId!: string;

  @Column({ type: 'text', nullable: true })
  email!: string | null;

  @Column({ type: 'text', update: false, default: 'never' })
  origin!: string;
}

@Entity()
@Unique(['account', 'number'])
@Index(['handle'], { unique: true, where: 'handle IS NOT NULL' })
@Unique('lazy', ['lazy'], { deferrable: 'INITIALLY DEFERRED' })
class Article {
  @PrimaryGeneratedColumn()
  id!: number;

  @Column('text')
  account!: string;

  @Column('text')
  number!: string;

  @Column({ name: 'product_id', type: 'text' })
  productId!: string;

  @Column({ type: 'text', nullable: true })
  handle!: string | null;

  @Column('text')
  lazy!: string;
}

class Stranger {}

class NoProvider {
  map() {
    return {};
  }
}

@Injectable({ scope: Scope.REQUEST })
class PerRequest {
  map() {
    return {};
  }
}

class Misspelt {
  mapp() {
    return {};
  }
}

const right = { to: Customer, key: ['stripeId'], map: () => ({}) };
const options: [string, unknown, RegExp, SyncConfigCode?][] = [
  ['no options', undefined, /The mirror of 'customer': the options must be an object, and are undefined/],
  ['a misspelt option', { ...right, ondelete: 'keep' }, /'ondelete'\. Did you mean 'onDelete'\?/],
  ['no entity', { ...right, to: undefined }, /to is missing: mirror\(.*imported in a circle\?/],
  ['no key', { ...right, key: undefined }, /key is missing: mirror\(/],
  ['no map', { ...right, map: undefined }, /map is missing: mirror\(/],
  [
    'a table for an entity',
    { ...right, to: 'customers' },
    /writes to 'customers', which the data source does not know/,
    'SYNC_MISSING_MIRROR_ENTITY',
  ],
  [
    'a class that is no entity',
    { ...right, to: Stranger },
    /writes to Stranger.*TypeOrmModule\.forFeature\(\[Stranger\]\)/,
    'SYNC_MISSING_MIRROR_ENTITY',
  ],
  [
    'a key in text',
    { ...right, key: 'stripeId' },
    /key must be one property in an array.*or a function, and is 'stripeId'/,
  ],
  ['two keys', { ...right, key: ['stripeId', 'email'] }, /key must be one property in an array/],
  [
    'a key that the entity does not have',
    { ...right, key: ['stripeID'] },
    /key: Customer has no such property: 'stripeID'\. Did you mean 'stripeId'\?/,
  ],
  [
    'a column for a key',
    { ...right, to: Article, key: ['product_id'] },
    /key: Article has no such property: 'product_id'\. Did you mean 'productId'\?/,
  ],
  [
    'a key that is not unique',
    { ...right, key: ['email'] },
    /by email, and the entity Customer has no primary key, unique.*@Column\(\{ unique: true \}\) email, and its migration/,
    'SYNC_MIRROR_KEY_NOT_UNIQUE',
  ],
  [
    'a key that is half of a unique one',
    { ...right, to: Article, key: ['number'] },
    /by number, and the entity Article has no/,
    'SYNC_MIRROR_KEY_NOT_UNIQUE',
  ],
  [
    'a key that is unique for some rows',
    { ...right, to: Article, key: ['handle'] },
    /by handle, and the entity Article has no/,
    'SYNC_MIRROR_KEY_NOT_UNIQUE',
  ],
  [
    'a key that is unique at the end only',
    { ...right, to: Article, key: ['lazy'] },
    /by lazy, and the entity Article has no/,
    'SYNC_MIRROR_KEY_NOT_UNIQUE',
  ],
  ['a map that is none', { ...right, map: { email: 'email' } }, /map must be a function, and is an object/],
  [
    'a map that nobody provides',
    { ...right, map: NoProvider },
    /map: NoProvider is no provider.*add it to the providers/,
  ],
  [
    'a map for each request',
    { ...right, map: PerRequest },
    /map: PerRequest is no provider.*in the default scope/,
  ],
  ['a map without its method', { ...right, map: Misspelt }, /map: the class Misspelt has no method `map`/],
  [
    'another end',
    { ...right, onDelete: 'remove' },
    /onDelete must be 'delete' or 'keep' or \{ set: \{ \.\.\. \} \}, and is 'remove'/,
  ],
  ['an end without columns', { ...right, onDelete: { set: {} } }, /onDelete must be .*and is an object/],
  ['columns without set', { ...right, onDelete: { email: null } }, /onDelete must be .*and is an object/],
  [
    'a column that is not there',
    { ...right, onDelete: { set: { emial: null } } },
    /onDelete\.set: Customer has no such property: 'emial'\. Did you mean 'email'\?/,
  ],
  [
    'a column that may not be set',
    { ...right, onDelete: { set: { origin: 'gone' } } },
    /onDelete\.set: Customer has no such property: 'origin'/,
  ],
  [
    'a batch in words',
    { ...right, batch: 'many' },
    /batch must be a whole number from 1 to 1000, and is 'many'/,
  ],
  ['no transaction', { ...right, transaction: 'none' }, /transaction must be 'required', and is 'none'/],
];

const features: [string, unknown, RegExp][] = [
  ['null', null, /forFeature\(\): the options must be an object, and are null/],
  ['a misspelt mirrors', { mirror: [] }, /forFeature\(\): .*'mirror'\. Did you mean 'mirrors'\?/],
  [
    'one mirror, not in an array',
    { mirrors: mirror('stripe', 'customer', anything(right)) },
    /mirrors must be an array, and is an object/,
  ],
  [
    'an entity for a mirror',
    { mirrors: [Customer] },
    /mirrors\[0\] must be made by mirror\('<source>', '<resource>'.*and is a function/,
  ],
  ['options for a mirror', { mirrors: [right] }, /mirrors\[0\] must be made by mirror\(/],
  [
    'no resource',
    { mirrors: [mirror('stripe', anything(undefined), anything(right))] },
    /the resource must be a text.*and is undefined/,
  ],
  [
    'no source',
    { mirrors: [mirror(anything(undefined), 'customer', anything(right))] },
    /The mirror of 'customer': the source must be the name of one/,
  ],
];

describe('wrong mirrors fail at boot', () => {
  let lab: BootLab;
  beforeAll(async () => {
    lab = await BootLab.open();
  });
  afterAll(() => lab.close());

  const entities = TypeOrmModule.forFeature([Customer, Article]);
  const featureOf = (given: unknown) => [entities, SyncModule.forFeature(anything(given))];
  const mirrorOf = (given: unknown) =>
    featureOf({ mirrors: [mirror('stripe', 'customer', anything(given))] });
  const mistakes: [string, Mistake][] = [
    ...options.map(([name, given, fix, code]): [string, Mistake] => [
      name,
      { code, fix, imports: mirrorOf(given), providers: [PerRequest] },
    ]),
    ...features.map(([name, given, fix]): [string, Mistake] => [
      `forFeature() with ${name}`,
      { fix, imports: featureOf(given) },
    ]),
  ];

  it.each(mistakes)('%s', (_, mistake) => lab.assertFailure(mistake));
});
