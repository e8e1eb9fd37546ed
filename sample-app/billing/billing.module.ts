import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { mirror, SyncModule } from 'nestjs-hybrid-sync';
import type Stripe from 'stripe';
import { BillingController } from './billing.controller';
import { Customer } from './customer.entity';
import { DunningHandler } from './dunning.handler';
import { InvoiceHandler } from './invoice.handler';
import { InvoiceLine } from './invoice-line.entity';
import { Invoice } from './invoice.entity';
import { OutboundMail } from './outbound-mail.entity';
import { customerRow, subscriptionRow } from './rows';
import { Subscription } from './subscription.entity';

@Module({
  imports: [
    TypeOrmModule.forFeature([Customer, Subscription, Invoice, InvoiceLine, OutboundMail]),
    SyncModule.forFeature({
      mirrors: [
        mirror('stripe', 'customer', { to: Customer, key: ['id'], map: customerRow }),
        mirror('stripe', 'subscription', {
          to: Subscription,
          key: ['id'],
          map: subscriptionRow,
          requires: (subscription: Stripe.Subscription) => [['customer', subscription.customer]],
        }),
      ],
    }),
  ],
  controllers: [BillingController],
  providers: [InvoiceHandler, DunningHandler],
})
export class BillingModule {}
