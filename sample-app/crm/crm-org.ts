import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import type { SalesforceOptions } from 'nestjs-hybrid-sync/salesforce';
import { FakeSalesforce } from 'nestjs-hybrid-sync/testing';

/** What is read of the org: what sales may change. See the README for the fields to be added to a real one. */
const source = {
  objects: { Account: { fields: ['Stripe_Id__c', 'BillingCity', 'OwnerId', 'CreatedById'] } },
  // Changes are known as they happen, and none is lost: polling finds what was made before.
  changeDataCapture: true,
  poll: { everyMs: 30_000 },
} as const;

/** The Salesforce that this run works with: a real org if the environment has a connected app, else one of its own. */
@Injectable()
export class CrmOrg implements OnApplicationShutdown {
  private constructor(
    readonly options: SalesforceOptions,
    readonly fake: FakeSalesforce | null,
  ) {}

  static async open(env: NodeJS.ProcessEnv = process.env): Promise<CrmOrg> {
    const {
      SALESFORCE_CLIENT_ID: clientId,
      SALESFORCE_CLIENT_SECRET: clientSecret,
      SALESFORCE_LOGIN_URL: loginUrl,
    } = env;
    // With some of them the module says at boot what is missing.
    if (clientId || clientSecret || loginUrl) {
      const login = {
        flow: 'client-credentials',
        clientId: clientId ?? '',
        clientSecret: clientSecret ?? '',
        loginUrl: loginUrl ?? '',
      } as const;
      return new CrmOrg({ login, ...source }, null);
    }
    const fake = await FakeSalesforce.start();
    define(fake);
    // As long as a real one takes.
    fake.faults.slowMs = [50, 150];
    // Only seconds that are over are read of an org.
    fake.clock.offsetMs = -5_000;
    return new CrmOrg({ login: fake.login, ...source }, fake);
  }

  async onApplicationShutdown(): Promise<void> {
    await this.fake?.close();
  }
}

function define(fake: FakeSalesforce): void {
  const stripeId = { type: 'string', length: 120, externalId: true, caseSensitive: true } as const;
  const account = { type: 'reference', referenceTo: ['Account'] } as const;
  const status = { type: 'picklist' } as const;
  fake.defineObject('Account', {
    fields: { Stripe_Id__c: stripeId, Email__c: { type: 'email' }, Left_Stripe__c: { type: 'boolean' } },
  });
  fake.defineObject('Contact', { fields: { Stripe_Id__c: stripeId } });
  fake.defineObject('Subscription__c', {
    fields: {
      Stripe_Id__c: stripeId,
      Account__c: account,
      Status__c: status,
      Seats__c: { type: 'int' },
      Period_End__c: { type: 'datetime' },
    },
  });
  fake.defineObject('Invoice__c', {
    fields: {
      Stripe_Id__c: stripeId,
      Account__c: account,
      Status__c: status,
      Amount_Due__c: { type: 'currency' },
    },
  });
  for (const Name of ['Carol', 'Dan', 'Erin']) fake.create('User', { Name, IsActive: true });
}
