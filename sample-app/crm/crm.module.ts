import { Module } from '@nestjs/common';
import { mirror, SyncModule } from 'nestjs-hybrid-sync';
import { salesforce, salesforceObject } from 'nestjs-hybrid-sync/salesforce';
import { StripeModule } from '../stripe/stripe.module';
import { BillingCityHandler } from './billing-city.handler';
import { CrmOrg } from './crm-org';
import { accountFields, invoiceFields } from './crm.rows';

@Module({
  providers: [{ provide: CrmOrg, useFactory: () => CrmOrg.open() }],
  exports: [CrmOrg],
})
export class CrmOrgModule {}

/** Stripe's customers and invoices in the CRM, and back what sales changes there. */
@Module({
  imports: [
    StripeModule,
    SyncModule.forFeatureAsync({
      imports: [CrmOrgModule],
      inject: [CrmOrg],
      useFactory: ({ options }: CrmOrg) => ({
        sources: { crm: salesforce({ ...options, reconcile: { cron: '0 3 * * *' } }) },
        mirrors: [
          mirror('stripe', 'customer', {
            to: salesforceObject('crm', 'Account', { externalId: 'Stripe_Id__c' }),
            map: accountFields,
            onDelete: { set: { Left_Stripe__c: true } },
          }),
          mirror('stripe', 'invoice', {
            to: salesforceObject('crm', 'Invoice__c', { externalId: 'Stripe_Id__c' }),
            map: invoiceFields,
          }),
        ],
      }),
    }),
  ],
  providers: [BillingCityHandler],
})
export class CrmModule {}
