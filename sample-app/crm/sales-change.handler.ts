import { Injectable } from '@nestjs/common';
import { SyncChange } from 'nestjs-hybrid-sync';
import { OnSalesforceChange } from 'nestjs-hybrid-sync/salesforce';
import Stripe from 'stripe';
import { StripeAccount } from '../stripe/stripe-account';

interface Account {
  Stripe_Id__c: string | null;
  BillingCity: string | null;
  OwnerId: string;
  CreatedById: string;
}

/**
 * What sales changes in the CRM, an account's city and its owner, reaches Stripe.
 *
 * Of an account no more is read than that. So what this application writes there changes nothing of it, and calls nobody; and
 * as Stripe tells nobody of what is as it was, nothing comes back from there.
 */
@Injectable()
export class SalesChangeHandler {
  private readonly stripe: Stripe;

  constructor({ options }: StripeAccount) {
    const { apiKey, host, port, protocol } = options;
    this.stripe = new Stripe(apiKey || 'none', { ...(host && { host, port, protocol }), telemetry: false });
  }

  @OnSalesforceChange<Account>('Account', { transaction: 'none' })
  async tellStripe({ kind, data: account }: SyncChange<Account>) {
    if (!account?.Stripe_Id__c) return;
    const { Stripe_Id__c: id, BillingCity: city, OwnerId: owner } = account;
    // As this application has made it.
    if (kind === 'created' && !city && owner === account.CreatedById) return;
    try {
      // An address that the CRM does not know says nothing of Stripe's.
      const changed = { metadata: { owner }, ...(city && { address: { city } }) };
      // Without an idempotency key: the same update twice is one, and under a key Stripe repeats for a day that it has failed.
      await this.stripe.customers.update(id, changed);
    } catch (error) {
      // Deleted at Stripe meanwhile.
      if ((error as { code?: string }).code !== 'resource_missing') throw error;
    }
  }
}
