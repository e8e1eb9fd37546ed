import { Injectable } from '@nestjs/common';
import { SyncChange, SyncContext } from 'nestjs-hybrid-sync';
import { OnSalesforceChange } from 'nestjs-hybrid-sync/salesforce';
import Stripe from 'stripe';
import { StripeAccount } from '../stripe/stripe-account';

interface Account {
  Stripe_Id__c: string | null;
  BillingCity: string | null;
}

/** What sales changes in the CRM reaches Stripe. Stripe tells nobody of what is as it was, so nothing comes back. */
@Injectable()
export class BillingCityHandler {
  private readonly stripe: Stripe;

  constructor({ options }: StripeAccount) {
    const { apiKey, host, port, protocol } = options;
    this.stripe = new Stripe(apiKey || 'none', { ...(host && { host, port, protocol }), telemetry: false });
  }

  @OnSalesforceChange<Account>('Account', { transaction: 'none' })
  async move({ data }: SyncChange<Account>, { idempotencyKey }: SyncContext): Promise<void> {
    if (!data?.Stripe_Id__c || !data.BillingCity) return;
    try {
      const address = { city: data.BillingCity };
      await this.stripe.customers.update(data.Stripe_Id__c, { address }, { idempotencyKey });
    } catch (error) {
      // Deleted at Stripe meanwhile.
      if ((error as { code?: string }).code !== 'resource_missing') throw error;
    }
  }
}
