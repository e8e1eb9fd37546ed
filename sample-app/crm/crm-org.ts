import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import type { SalesforceOptions } from 'nestjs-hybrid-sync/salesforce';
import { FakeSalesforce } from 'nestjs-hybrid-sync/testing';

/** What this application wants of the org; see the README for the fields to be added to a real one. */
const objects = {
  Account: { fields: ['Name', 'Email__c', 'BillingCity', 'Stripe_Id__c', 'Left_Stripe__c'] },
};

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
      return new CrmOrg({ login, objects, poll: { everyMs: 30_000 } }, null);
    }
    const fake = await FakeSalesforce.start();
    define(fake);
    // As long as a real one takes.
    fake.faults.slowMs = [50, 150];
    // Only seconds that are over are read of an org.
    fake.clock.offsetMs = -5_000;
    return new CrmOrg({ login: fake.login, objects, poll: { everyMs: 1_000 } }, fake);
  }

  async onApplicationShutdown(): Promise<void> {
    await this.fake?.close();
  }
}

function define(fake: FakeSalesforce): void {
  const stripeId = { type: 'string', length: 120, externalId: true, caseSensitive: true } as const;
  fake.defineObject('Account', {
    fields: { Stripe_Id__c: stripeId, Email__c: { type: 'email' }, Left_Stripe__c: { type: 'boolean' } },
  });
  fake.defineObject('Invoice__c', {
    fields: {
      Stripe_Id__c: stripeId,
      Customer__c: { type: 'string' },
      Status__c: { type: 'picklist' },
      Amount_Due__c: { type: 'currency' },
    },
  });
}
