import type { FakeSalesforce, SalesforceRecord } from 'nestjs-hybrid-sync/testing';
import type Stripe from 'stripe';
import { accountFields, contactFields, invoiceFields, subscriptionFields } from '../crm/crm.rows';
import type { Comparison } from './comparison';

/** What is at Stripe. */
export interface StripeRecords {
  readonly customers: readonly Stripe.Customer[];
  readonly subscriptions: readonly Stripe.Subscription[];
  readonly invoices: readonly Stripe.Invoice[];
}

/** Holds what stands in the CRM against Stripe, and what sales has changed in the CRM against what Stripe knows of it. */
export function compareCrm(
  found: Comparison,
  org: FakeSalesforce,
  { customers, subscriptions, invoices }: StripeRecords,
): void {
  const all = org.all('Account');
  const accounts = all.filter(({ Left_Stripe__c }) => !Left_Stripe__c);
  const customerOf = new Map(all.map(({ Id, Stripe_Id__c }) => [Id, Stripe_Id__c]));
  const parent = (accountId: string) => ({ Stripe_Id__c: customerOf.get(accountId) });

  found.add(
    'accounts',
    customers.map((customer) => ({ id: customer.id, ...accountFields(customer) })),
    rows(accounts, ({ Name, Email__c, Left_Stripe__c }) => ({ Name, Email__c, Left_Stripe__c })),
  );
  found.add(
    'contacts',
    customers.map((customer) => ({ id: customer.id, ...contactFields(customer) })),
    rows(org.all('Contact'), ({ FirstName, LastName, Email, AccountId }) => {
      return { FirstName, LastName, Email, Account: parent(AccountId) };
    }),
  );
  found.add(
    'CRM subscriptions',
    subscriptions.map((subscription) => ({ id: subscription.id, ...subscriptionFields(subscription) })),
    rows(org.all('Subscription__c'), ({ Account__c, Status__c, Seats__c, Period_End__c }) => {
      return { Account__r: parent(Account__c), Status__c, Seats__c, Period_End__c: timeOf(Period_End__c) };
    }),
  );
  found.add(
    'CRM invoices',
    invoices.map((invoice) => ({ id: invoice.id, ...invoiceFields(invoice) })),
    rows(org.all('Invoice__c'), ({ Account__c, Status__c, Amount_Due__c }) => {
      return { Account__r: parent(Account__c), Status__c, Amount_Due__c };
    }),
  );

  const known = new Map(customers.map(({ id, address, metadata }) => [id, { address, metadata }]));
  const moved = accounts.filter(({ BillingCity }) => BillingCity !== null);
  found.add(
    'cities',
    moved.map(({ Stripe_Id__c: id }) => ({ id, city: known.get(id)?.address?.city ?? null })),
    rows(moved, ({ BillingCity: city }) => ({ city })),
  );
  const handedOver = accounts.filter(({ OwnerId, CreatedById }) => OwnerId !== CreatedById);
  found.add(
    'owners',
    handedOver.map(({ Stripe_Id__c: id }) => ({ id, owner: known.get(id)?.metadata.owner ?? null })),
    rows(handedOver, ({ OwnerId: owner }) => ({ owner })),
  );
}

function rows<Fields extends object>(
  records: readonly SalesforceRecord[],
  fieldsOf: (record: SalesforceRecord) => Fields,
): (Fields & { id: string })[] {
  return records.map((record) => ({ id: String(record.Stripe_Id__c), ...fieldsOf(record) }));
}

/** As this application writes it. */
function timeOf(text: string | null): string | null {
  return text && new Date(text.replace(/\+0000$/, 'Z')).toISOString();
}
