import { Injectable, Module, type DynamicModule } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { mirror, SyncChange, SyncContext, SyncEvent, SyncModule } from 'nestjs-hybrid-sync';
import { OnStripeChange, OnStripeEvent, stripe, type StripeOptions } from 'nestjs-hybrid-sync/stripe';
import type Stripe from 'stripe';
import { Invoice, Notice, Person } from './billing.entities';

/** Says when Nest begins to stop the application, for a test that waits for it. */
@Injectable()
export class Farewell {
  onModuleDestroy() {
    console.log('stopping');
  }
}

@Injectable()
export class Billing {
  @OnStripeChange('invoice', { requires: (invoice) => [['customer', invoice.customer]] })
  async save(change: SyncChange<Stripe.Invoice>, { manager }: SyncContext<Stripe.Invoice>) {
    const stripeId = change.record.id;
    if (!change.data) return void (await manager.delete(Invoice, { stripeId }));
    const { customer, status } = change.data;
    // A foreign key in spirit: the mirror below has written the row before this is called.
    const personId = typeof customer === 'string' ? customer : customer!.id;
    await manager.findOneByOrFail(Person, { stripeId: personId });
    await manager.save(Invoice, { stripeId, personId, status: status ?? 'unknown' });
  }

  @OnStripeEvent('invoice.payment_failed')
  async notify(_event: SyncEvent<Stripe.InvoicePaymentFailedEvent>, context: SyncContext<Stripe.Invoice>) {
    await context.manager.insert(Notice, { id: context.idempotencyKey, invoiceId: context.record.id });
  }
}

// Exported without a type: a host that emits declarations must be able to name it.
export const mirrors = [
  mirror('stripe', 'customer', {
    to: Person,
    key: ['stripeId'],
    map: (customer: Stripe.Customer) => ({ email: customer.email }),
  }),
];

export interface BillingOptions {
  databaseUrl: string;
  stripe: StripeOptions;
}

@Module({})
export class BillingModule {
  static register(options: BillingOptions): DynamicModule {
    return {
      module: BillingModule,
      imports: [
        TypeOrmModule.forRoot({ type: 'postgres', url: options.databaseUrl, autoLoadEntities: true }),
        TypeOrmModule.forFeature([Invoice, Notice, Person]),
        SyncModule.forRoot({ sources: { stripe: stripe(options.stripe) } }),
        SyncModule.forFeature({ mirrors }),
      ],
      providers: [Billing, Farewell],
    };
  }
}
