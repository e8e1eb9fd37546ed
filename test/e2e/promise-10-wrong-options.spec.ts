import { Controller, Get, SetMetadata } from '@nestjs/common';
import { SyncModule, type SyncModuleExtras } from 'nestjs-hybrid-sync';
import { applicationOf, BootLab, source, type Mistake } from '../support/wrong-setup.js';

/** `any`: a host in JavaScript, or one that has silenced the compiler. */
const anything = (value: unknown): any => value;

/** Options of the module, and what a host is told. */
const options: [string, Record<string, any>, RegExp][] = [
  [
    'a misspelt name',
    { maxTransaction: 4 },
    /no such option: 'maxTransaction'.*Did you mean 'maxTransactions'\?/,
  ],
  ['a name in another case', { leasems: 4 }, /'leasems'.*Did you mean 'leaseMs'\?/],
  ['a part of a name', { lease: 4 }, /'lease'.*Did you mean 'leaseMs'\?/],
  ['a name like no other', { retries: 4 }, /'retries'\. There are: sources, migrationsRun, /],
  [
    'events that go before their provider may send them again',
    { keepEventsDays: 36 },
    /keepEventsDays is 36: .* of 'stripe' .* stripe may send one for 30 days\. Set it to at least 37\./,
  ],
  [
    'events that are to stay for longer than there is time',
    { keepEventsDays: 36_501 },
    /keepEventsDays must be a whole number from 7 to 36500, and is 36501/,
  ],
  [
    'events that go before their bodies',
    { keepBodiesDays: 91 },
    /keepBodiesDays is 91, .* keepEventsDays, 90: set keepEventsDays to at least 91\./,
  ],
  ['a misspelt webhooks', { webhook: {} }, /'webhook'.*Did you mean 'webhooks'\?/],
  ['a number as text', { leaseMs: '60000' }, /leaseMs must be a whole number.*and is '60000'/],
  ['null for a number', { drainMs: null }, /drainMs must be a whole number from 0.*and is null/],
  ['a switch as text', { migrationsRun: 'false' }, /migrationsRun must be true or false, and is 'false'/],
  ['a global that is text', { isGlobal: 'no' }, /isGlobal must be true or false, and is 'no'/],
  ['a data source itself', { dataSource: {} }, /dataSource must be a text.*and is an object/],
  ['a data source without a name', { dataSource: '' }, /dataSource must be a text.*and is ''/],
  [
    'no sources',
    { sources: undefined },
    /sources is missing: SyncModule\.forRoot\(\{ sources: \{ stripe: stripe/,
  ],
  ['null for sources', { sources: null }, /sources must be an object, and is null/],
  ['a list of sources', { sources: [source()] }, /sources must be an object, and is an array/],
  ['a Map of sources', { sources: new Map([['stripe', source()]]) }, /sources must be an object/],
  ['webhooks: true', { webhooks: true }, /webhooks: the options must be an object, and are true/],
  [
    'a path in the place of webhooks',
    { webhooks: '/hooks' },
    /webhooks: the options must be an object, and are '\/hooks'/,
  ],
  ['a misspelt path', { webhooks: { paths: 'hooks' } }, /webhooks: .*'paths'.*Did you mean 'path'\?/],
  [
    'a list of paths',
    { webhooks: { path: ['a', 'b'] } },
    /webhooks: path must be a path of.*and is an array/,
  ],
  ...[
    '',
    '/',
    ':tenant/hooks',
    'hooks/*',
    'hooks/{*rest}',
    'a//b',
    'a b',
    '../hooks',
    'hooks?x=1',
    'https://a.b/c',
  ].map((path): [string, Record<string, any>, RegExp] => [
    `the path '${path}'`,
    { webhooks: { path } },
    /webhooks: path must be a path of letters.*such as 'webhooks'/,
  ]),
  [
    'one decorator, not in an array',
    { webhooks: { decorators: () => undefined } },
    /decorators must be an array of class decorators/,
  ],
  [
    'decorators that are none',
    { webhooks: { decorators: ['Public', null] } },
    /decorators must be an array of class decorators, such as \[Public\(\)\],.* and is an array of string and null/,
  ],
  ...Object.entries({
    'one that nobody has called': SetMetadata,
    'a guard': class Guard {},
    'one of methods': Get(),
    "a controller's": Controller('x'),
  }).map(([name, decorator]): [string, Record<string, any>, RegExp] => [
    `decorators of another kind, ${name}`,
    { webhooks: { decorators: [SetMetadata('isPublic', true), decorator] } },
    /decorators must be an array of class decorators, .* called as where they are written with an @/,
  ]),
  [
    'decorators that nobody would ask for',
    { webhooks: { receive: 'direct', decorators: [() => undefined] } },
    /webhooks: decorators have no effect with receive: 'direct'.*Leave them out, or take receive: 'controller'/,
  ],
  [
    'another way to receive',
    { webhooks: { receive: 'fast' } },
    /webhooks: receive must be 'controller' or 'direct', and is 'fast'/,
  ],
  [
    'a decorator that is not there',
    { webhooks: { decorators: [undefined] } },
    /decorators must be an array of class decorators/,
  ],
];

describe('wrong options fail at boot', () => {
  let lab: BootLab;
  beforeAll(async () => {
    lab = await BootLab.open();
  });
  afterAll(() => lab.close());

  const mistakes: [string, Mistake][] = [
    ...options.map(([name, given, fix]): [string, Mistake] => [name, { options: given, fix }]),
    ...[undefined, null, 'stripe'].map((given): [string, Mistake] => [
      `forRoot(${given})`,
      { root: () => SyncModule.forRoot(anything(given)), fix: /sources is missing/ },
    ]),
    [
      'an option of the module beside the factory',
      {
        root: () => SyncModule.forRootAsync(anything({ useFactory: () => ({ sources: {} }), leaseMs: 5 })),
        fix: /leaseMs must come from the factory/,
      },
    ],
    [
      'a misspelt name beside the factory',
      {
        root: () =>
          SyncModule.forRootAsync(anything({ useFactory: () => ({ sources: {} }), datasource: 'a' })),
        fix: /'datasource'\. Did you mean 'dataSource'\?/,
      },
    ],
    [
      'a factory that makes what shapes the module',
      {
        root: () => SyncModule.forRootAsync({ useFactory: () => anything({ sources: {}, webhooks: {} }) }),
        fix: /webhooks cannot come from the factory: put it beside useFactory/,
      },
    ],
    [
      'a factory that returns nothing',
      {
        root: () => SyncModule.forRootAsync({ useFactory: () => anything(undefined) }),
        fix: /the factory of SyncModule\.forRootAsync\(\) returned undefined/,
      },
    ],
    [
      'a factory that misspells',
      {
        root: () => SyncModule.forRootAsync({ useFactory: () => anything({ sources: {}, maxpass: 5 }) }),
        fix: /'maxpass'\. Did you mean 'maxPasses'\?/,
      },
    ],
  ];

  it.each(mistakes)('%s', (_, mistake) => lab.assertFailure(mistake));

  it.each([
    ['nothing', undefined],
    ['no factory', {}],
    ['options', { sources: {} }],
    ['a factory that is none', { useFactory: {} }],
  ])('forRootAsync() with %s fails at the call', (_, given) => {
    expect(() => SyncModule.forRootAsync(anything(given))).toThrow(
      expect.objectContaining({
        code: 'SYNC_INVALID_OPTION',
        message: expect.stringMatching(/needs a function that makes the options.*useFactory/),
      }),
    );
  });

  describe('a data source', () => {
    const rootWith = (extras: SyncModuleExtras) => SyncModule.forRoot({ sources: {}, ...extras });

    it.each([
      [
        'that has another name',
        { dataSource: 'biling' },
        /named 'biling'.*TypeOrmModule\.forRoot\(\{ name: 'biling'/,
      ],
      [
        'that is an URL',
        { dataSource: 'postgres://ada:hush@localhost/app' },
        /named 'postgres:\/\/\.\.\.@localhost\/app'(?!.*hush)/,
      ],
      ['that is nowhere', {}, /no TypeORM data source in the application.*import TypeOrmModule\.forRoot/],
    ])('%s', async (_, extras, fix) => {
      const imports = 'dataSource' in extras ? [lab.typeOrm()] : [];
      await expect(applicationOf([...imports, rootWith(extras)])).rejects.toMatchObject({
        code: 'SYNC_MISSING_DATA_SOURCE',
        message: expect.stringMatching(fix),
      });
    });

    it('that cannot be reached fails in its own words', async () => {
      const unreachable = lab.typeOrm(anything({ url: 'postgres://127.0.0.1:1/none' }));
      await expect(applicationOf([unreachable, rootWith({})])).rejects.toMatchObject({
        code: 'ECONNREFUSED',
      });
    });
  });

  it('what is undefined has been left out', async () => {
    const webhooks = { path: undefined, decorators: undefined };
    const app = await applicationOf([
      lab.typeOrm(),
      SyncModule.forRoot({
        sources: { stripe: source({ start: undefined, callsPerSecond: undefined }) },
        leaseMs: undefined,
        dataSource: undefined,
        isGlobal: undefined,
        webhooks,
      }),
    ]);
    await app.init();
    const route = { method: 'POST', url: '/webhooks/stripe' };
    await app.listen(0, '127.0.0.1');
    const answer = await fetch(`${await app.getUrl()}${route.url}`, { method: route.method, body: '{}' });
    expect(answer.status).toBe(401);
    await app.close();
  });
});
