import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { syncEntities, SyncModule } from 'nestjs-hybrid-sync';
import { stripe } from 'nestjs-hybrid-sync/stripe';
import { AccountModule } from './account/account.module';
import { BillingModule } from './billing/billing.module';
import { CrmModule } from './crm/crm.module';
import { Database, DatabaseModule } from './database/database.module';
import { DriveModule } from './drive/drive.module';
import { StripeAccount } from './stripe/stripe-account';
import { StripeModule } from './stripe/stripe.module';

@Module({
  imports: [
    TypeOrmModule.forRootAsync({
      imports: [DatabaseModule],
      inject: [Database],
      // The database is this sample's own: an application has migrations, and the module brings its own.
      useFactory: ({ url }: Database) => ({
        type: 'postgres',
        url,
        autoLoadEntities: true,
        // For reading the inbox, which this application shows.
        entities: syncEntities('postgres'),
        synchronize: true,
      }),
    }),
    SyncModule.forRootAsync({
      imports: [StripeModule],
      inject: [StripeAccount],
      useFactory: ({ options }: StripeAccount) => ({
        sources: { stripe: stripe({ ...options, reconcile: { cron: '0 3 * * *' } }) },
        // Where webhooks are lost on purpose, Stripe's log is read so often.
        sweepEveryMs: 1_000,
      }),
    }),
    BillingModule,
    CrmModule,
    DriveModule,
    AccountModule,
  ],
})
export class AppModule {}
