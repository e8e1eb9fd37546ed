import { Injectable, Module, type INestApplication } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { TypeOrmModule } from '@nestjs/typeorm';
import { mirror, SyncChange, SyncContext, syncEntities, SyncModule, SyncTargets } from 'nestjs-hybrid-sync';
import { OnSalesforceChange, salesforce, salesforceObject } from 'nestjs-hybrid-sync/salesforce';
import { stripe } from 'nestjs-hybrid-sync/stripe';
import { FakeSalesforce, SyncTesting } from 'nestjs-hybrid-sync/testing';
import Stripe from 'stripe';
import { createDatabase, type TestDatabase } from '../support/database.js';

const ACCOUNTS = salesforceObject('crm', 'Account', { externalId: 'Stripe_Customer__c' });

interface Account {
  Stripe_Customer__c: string | null;
  Phone: string | null;
  BillingCity: string | null;
}

const api: { client?: Stripe; updates: number } = { updates: 0 };

/** What is changed in the CRM reaches Stripe. */
@Injectable()
class BackToStripe {
  @OnSalesforceChange<Account>('Account', { transaction: 'none' })
  async move({ data }: SyncChange<Account>, { idempotencyKey }: SyncContext) {
    if (!data?.Stripe_Customer__c) return;
    api.updates += 1;
    await api.client!.customers.update(
      data.Stripe_Customer__c,
      { phone: data.Phone ?? '', metadata: { city: data.BillingCity ?? '' } },
      { idempotencyKey },
    );
  }
}

describe('an application between Stripe and Salesforce, under test', () => {
  let database: TestDatabase;
  let org: FakeSalesforce;
  let app: INestApplication;
  let sync: SyncTesting;

  beforeEach(async () => {
    api.updates = 0;
    database = await createDatabase({ tables: true });
    org = await FakeSalesforce.start();
    org.defineObject('Account', {
      fields: { Stripe_Customer__c: { type: 'string', externalId: true, caseSensitive: true } },
    });

    @Module({
      imports: [
        TypeOrmModule.forRoot({
          ...database.options,
          entities: syncEntities(database.options.type),
        }),
        SyncModule.forRoot({
          sources: {
            stripe: stripe({ apiKey: '', webhookSecrets: [] }),
            crm: salesforce({
              login: { flow: 'client-credentials', clientId: '', clientSecret: '', loginUrl: '' },
              objects: ['Account'],
              changeDataCapture: true,
              outboundMessages: { organizationId: '00D000000000000', secrets: ['a-secret-of-the-endpoint'] },
            }),
          },
        }),
        SyncModule.forFeature({
          mirrors: [
            mirror('stripe', 'customer', {
              to: ACCOUNTS,
              map: (customer: Stripe.Customer) => ({
                Name: customer.name ?? customer.id,
                Phone: customer.phone,
              }),
            }),
          ],
        }),
      ],
      providers: [BackToStripe],
    })
    class AppModule {}

    const testing = await Test.createTestingModule({ imports: [AppModule] }).compile();
    app = testing.createNestApplication({ logger: false });
    sync = await SyncTesting.start(app, { orgs: { crm: org } });
    api.client = new Stripe(sync.stripe.apiKey, {
      ...sync.stripe.connection,
      maxNetworkRetries: 0,
      telemetry: false,
    });
  });
  afterEach(async () => {
    await sync?.close();
    await org.close();
    await database.drop();
  });

  it('has what happens at one side at the other, without an echo', async () => {
    expect(sync.salesforce).toBe(org);
    const { id } = sync.stripe.create('customer', { name: 'Ada', phone: '1815' });
    await sync.idle();
    const [account] = org.all('Account');
    expect(account).toMatchObject({ Name: 'Ada', Phone: '1815', Stripe_Customer__c: id });
    const writes = () => org.requests.count({ method: 'PATCH' });
    const [first, updates] = [writes(), api.updates];

    org.clock.offsetMs += 2_000;
    org.update(account!.Id, { BillingCity: 'London', Phone: '1852' });
    await sync.idle();
    expect(sync.stripe.get('customer', id)).toMatchObject({ phone: '1852', metadata: { city: 'London' } });
    // To Stripe once; from Stripe, which has told of it, back once, where it changes nothing: and that is all.
    expect(api.updates - updates).toBe(1);
    expect(writes() - first).toBe(1);
    await sync.idle();
    expect([api.updates - updates, writes() - first]).toEqual([1, 1]);
  });

  it('is polled where no message is sent, and gives handlers what others have written', async () => {
    org.deliverTo(null);
    await app.get(SyncTargets).save(ACCOUNTS, 'cus_1', { Name: 'Grace' });
    await sync.idle();
    expect(org.all('Account')).toMatchObject([{ Name: 'Grace' }]);
    expect((await sync.events({ source: 'crm' })).map(({ type }) => type)).toContain('Account.changed');
  });
});
