import { Module } from '@nestjs/common';
import { mirror, SyncModule } from 'nestjs-hybrid-sync';
import { salesforce, salesforceObject } from 'nestjs-hybrid-sync/salesforce';
import type Stripe from 'stripe';
import { StripeModule } from '../stripe/stripe.module';
import { CrmOrg } from './crm-org';
import { accountFields, contactFields, invoiceFields, subscriptionFields } from './crm.rows';
import { SalesChangeHandler } from './sales-change.handler';

@Module({
  providers: [{ provide: CrmOrg, useFactory: () => CrmOrg.open() }],
  exports: [CrmOrg],
})
export class CrmOrgModule {}

const externalId = 'Stripe_Id__c';
const account = salesforceObject('crm', 'Account', { externalId });
const contact = salesforceObject('crm', 'Contact', { externalId });
const subscription = salesforceObject('crm', 'Subscription__c', { externalId });
const invoice = salesforceObject('crm', 'Invoice__c', { externalId });

/** What refers to an account comes after it. */
const ofCustomer = ({ customer }: Stripe.Subscription | Stripe.Invoice) => [['customer', customer] as const];

/** Stripe's customers, subscriptions and invoices in the CRM, and back what sales changes there. */
@Module({
  imports: [
    StripeModule,
    SyncModule.forFeatureAsync({
      imports: [CrmOrgModule],
      inject: [CrmOrg],
      useFactory: ({ options }: CrmOrg) => ({
        sources: { crm: salesforce({ ...options, reconcile: { cron: '0 3 * * *' } }) },
        mirrors: [
          // A customer is two rows. They are written in this order.
          mirror('stripe', 'customer', {
            to: account,
            map: accountFields,
            // Subscriptions and invoices still belong to it.
            onDelete: { set: { Left_Stripe__c: true } },
          }),
          mirror('stripe', 'customer', { to: contact, map: contactFields }),
          mirror('stripe', 'subscription', {
            to: subscription,
            map: subscriptionFields,
            requires: ofCustomer,
          }),
          mirror('stripe', 'invoice', { to: invoice, map: invoiceFields, requires: ofCustomer }),
        ],
      }),
    }),
  ],
  providers: [SalesChangeHandler],
})
export class CrmModule {}
