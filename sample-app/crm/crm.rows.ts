import type Stripe from 'stripe';
import { idOf } from '../billing/rows';

/** What of Stripe's records stands in the CRM. */

export function accountFields({ id, name, email }: Stripe.Customer) {
  return { Name: name ?? id, Email__c: email, Left_Stripe__c: false };
}

export function invoiceFields({ customer, status, amount_due }: Stripe.Invoice) {
  return { Customer__c: idOf(customer), Status__c: status, Amount_Due__c: amount_due / 100 };
}
