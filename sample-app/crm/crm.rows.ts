import type Stripe from 'stripe';
import { idOf, subscriptionRow } from '../billing/rows';

/** What of Stripe's records stands in the CRM. A parent is named by its own external id, so that nobody looks up Salesforce's. */

export function accountFields({ id, name, email }: Stripe.Customer) {
  return { Name: name ?? id, Email__c: email, Left_Stripe__c: false };
}

/** Stripe has one field for a name, Salesforce two, and no contact without the last. */
export function contactFields({ id, name, email }: Stripe.Customer) {
  const words = (name ?? id).trim().split(/\s+/);
  const LastName = words.pop()!.slice(0, 80);
  const FirstName = words.join(' ').slice(0, 40) || null;
  return { FirstName, LastName, Email: email, Account: { Stripe_Id__c: id } };
}

export function subscriptionFields(subscription: Stripe.Subscription) {
  const { customerId, status, seats, currentPeriodEnd } = subscriptionRow(subscription);
  return {
    Account__r: { Stripe_Id__c: customerId },
    Status__c: status,
    Seats__c: seats,
    Period_End__c: currentPeriodEnd?.toISOString() ?? null,
  };
}

export function invoiceFields({ customer, status, amount_due }: Stripe.Invoice) {
  return {
    Account__r: { Stripe_Id__c: idOf(customer) },
    Status__c: status,
    Amount_Due__c: amount_due / 100,
  };
}
