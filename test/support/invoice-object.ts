import type { FakeSalesforce } from 'nestjs-hybrid-sync/testing';

/** An object that an org does not have by itself. */
export function defineInvoice(org: FakeSalesforce): void {
  org.defineObject('Invoice__c', {
    fields: {
      Stripe_Id__c: { type: 'string', length: 120, externalId: true, caseSensitive: true },
      Total__c: { type: 'currency' },
      Status__c: { type: 'picklist' },
      Account__c: { type: 'reference', referenceTo: ['Account'] },
    },
  });
}
