import { Module } from '@nestjs/common';
import { getDataSourceToken } from '@nestjs/typeorm';
import {
  mirror,
  OnSyncChange,
  OnSyncEvent,
  SyncModule,
  type Around,
  type HandlerAround,
  type HandlerCall,
  type SyncRole,
} from 'nestjs-hybrid-sync';
import { OnStripeEvent } from 'nestjs-hybrid-sync/stripe';
import { applicationOf, BootLab, handlerOf, source, type Mistake } from '../support/wrong-setup.js';

class Customer {}

class TenantScope implements HandlerAround {
  around(_call: HandlerCall, next: () => Promise<void>) {
    return next();
  }
}

@Module({
  providers: [{ provide: getDataSourceToken(), useValue: { options: { type: 'oracle' } } }],
  exports: [getDataSourceToken()],
})
class OracleModule {}

const mistakes: Record<string, Mistake> = {
  'no signing secret': {
    code: 'SYNC_MISSING_SECRET',
    fix: /'stripe'.*webhookSecrets.*whsec_/,
    options: { sources: { stripe: source({ webhookSecrets: [undefined!] }) } },
  },
  'no API key': {
    code: 'SYNC_MISSING_API_KEY',
    fix: /'stripe'.*apiKey.*sk_/,
    options: { sources: { stripe: source({ apiKey: undefined }) } },
  },
  'a source name with a slash': {
    code: 'SYNC_INVALID_OPTION',
    fix: /'eu\/stripe'.*letters, digits/,
    options: { sources: { 'eu/stripe': source() } },
  },
  'a back-off that ends before the attempts do': {
    code: 'SYNC_INVALID_OPTION',
    fix: /stripe: backoffMs\(3\) must be a number from 0, and is undefined/,
    options: { sources: { stripe: source({ backoffMs: (attempt: number) => [100, 200][attempt - 1]! }) } },
  },
  'no place for any transaction': {
    code: 'SYNC_INVALID_OPTION',
    fix: /maxTransactions must be a whole number from 1 to 2147483647, and is 0/,
    options: { maxTransactions: 0 },
  },
  'a role that there is not': {
    code: 'SYNC_INVALID_OPTION',
    fix: /role must be 'all' or 'ingest' or 'worker' or 'none', and is 'workers'/,
    options: { role: 'workers' as SyncRole },
  },
  'a number from a variable that is not set': {
    code: 'SYNC_INVALID_OPTION',
    fix: /leaseMs must be a whole number from 1 to 2147483647, and is NaN/,
    options: { leaseMs: Number(undefined) },
  },
  'an around that no module provides': {
    code: 'SYNC_INVALID_OPTION',
    fix: /around: TenantScope is no provider.*add it to the providers of a module/,
    options: { around: TenantScope },
  },
  'an around that is no function': {
    code: 'SYNC_INVALID_OPTION',
    fix: /around: the class Customer has no method `around`/,
    options: { around: Customer as unknown as Around },
  },
  'a handler for a source that is not there': {
    code: 'SYNC_UNKNOWN_SOURCE',
    fix: /Billing\.handle.*'strpe'.*There are: 'stripe'.*Correct the name or add the source/,
    providers: [handlerOf(OnSyncEvent('strpe', '*'))],
  },
  'a mirror for a source that is not there': {
    code: 'SYNC_UNKNOWN_SOURCE',
    fix: /mirror of 'customer'.*'strpe'.*There are: 'stripe'/,
    imports: [
      SyncModule.forFeature({
        mirrors: [mirror('strpe', 'customer', { to: Customer, key: () => ({}), map: () => ({}) })],
      }),
    ],
  },
  'a source of a feature without a secret': {
    code: 'SYNC_MISSING_SECRET',
    fix: /'stripeEu'.*webhookSecrets/,
    imports: [SyncModule.forFeature({ sources: { stripeEu: source({ webhookSecrets: [] }) } })],
  },
  "a feature's source with the name of another": {
    code: 'SYNC_DUPLICATE_SOURCE',
    fix: /'stripe' is there twice.*give one of them another.*one place only/,
    imports: [SyncModule.forFeature({ sources: { stripe: source() } })],
  },
  'two features with sources of one name': {
    code: 'SYNC_DUPLICATE_SOURCE',
    fix: /'stripeEu' is there twice/,
    imports: [
      SyncModule.forFeature({ sources: { stripeEu: source() } }),
      SyncModule.forFeatureAsync({ useFactory: () => ({ sources: { stripeEu: source() } }) }),
    ],
  },
  'a handler that could mean two sources': {
    code: 'SYNC_AMBIGUOUS_SOURCE',
    fix: /'stripeEu', 'stripeUs'.*\{ source: 'stripeEu' \}/,
    providers: [handlerOf(OnStripeEvent('customer.created') as MethodDecorator)],
    options: { sources: { stripeEu: source(), stripeUs: source() } },
  },
  'two handlers of one name': {
    code: 'SYNC_DUPLICATE_HANDLER',
    fix: /'Billing\.handle'.*\{ name: '\.\.\.' \}/,
    providers: [handlerOf(OnSyncEvent('stripe', '*')), handlerOf(OnSyncEvent('stripe', 'customer.*'))],
  },
  'changes of what cannot be fetched': {
    code: 'SYNC_UNFETCHABLE_RESOURCE',
    fix: /Billing\.handle.*'custmer'.*@OnSyncEvent\('stripe'/,
    providers: [handlerOf(OnSyncChange('stripe', 'custmer'))],
  },
  'more transactions than connections': {
    code: 'SYNC_POOL_TOO_SMALL',
    fix: /maxTransactions to at most 8, or.*poolSize to at least 11/,
    options: { maxTransactions: 9 },
    database: { poolSize: 10 },
  },
  'a pool without room for any transaction': {
    code: 'SYNC_POOL_TOO_SMALL',
    fix: /Set the data source's poolSize to at least 3/,
    database: { poolSize: 2 },
  },
  'no tables, and nobody to make them': {
    code: 'SYNC_MISSING_TABLES',
    fix: /sync_event.*migrationsRun: true.*syncMigrations/,
    options: { migrationsRun: false },
  },
  'mirrors, and no root that would run them': {
    code: 'SYNC_MISSING_ROOT',
    fix: /forFeature\(\) is imported, and SyncModule\.forRoot\(\) is not.*in your root module/,
    root: () => SyncModule.forFeature({ mirrors: [] }),
  },
  'the module twice': {
    code: 'SYNC_TWO_ROOTS',
    fix: /2 times.*forFeature\(\)/,
    imports: [SyncModule.forRoot({ sources: { other: source() } })],
  },
};

describe('wrong set-up fails at boot', () => {
  let lab: BootLab;
  beforeAll(async () => {
    lab = await BootLab.open();
  });
  afterAll(() => lab.close());

  it.each(Object.entries(mistakes))('%s', (_, mistake) => lab.assertFailure(mistake));

  it('an unsupported database', async () => {
    const booting = applicationOf([
      { module: OracleModule, global: true },
      SyncModule.forRoot({ sources: { stripe: source() } }),
    ]);
    await expect(booting).rejects.toMatchObject({
      code: 'SYNC_UNSUPPORTED_DATABASE',
      message: expect.stringMatching(/'oracle'.*'postgres'.*dataSource/),
    });
  });

  it('options that come from a factory are held to the same', async () => {
    const app = await applicationOf([
      lab.typeOrm(),
      SyncModule.forRootAsync({ useFactory: () => ({ sources: { stripe: source({ apiKey: '' }) } }) }),
    ]);
    await expect(app.init()).rejects.toMatchObject({ code: 'SYNC_MISSING_API_KEY' });
    await app.close();
  });

  it('with nothing wrong, one line says who listens to what', async () => {
    const lines: string[] = [];
    const log = (message: string, context: string) => context === 'Sync' && lines.push(message);
    const app = await applicationOf(
      [
        lab.typeOrm(),
        SyncModule.forRoot({ sources: { stripe: source(), idle: source() }, webhooks: { path: 'hooks' } }),
      ],
      [
        handlerOf(OnSyncEvent('stripe', ['invoice.*', 'charge.failed']), 'Dunning'),
        handlerOf(OnSyncChange('stripe', 'customer'), 'Customers'),
      ],
    );
    app.useLogger({ log, error: log, warn: log });
    await app.init();
    await app.close();
    expect(lines).toEqual([
      'listening on POST /hooks/:source; stripe: invoice.*, charge.failed → Dunning.handle; ' +
        'changes of customer → Customers.handle | idle: no handlers',
    ]);
  });
});
