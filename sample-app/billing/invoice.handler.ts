import { Injectable } from '@nestjs/common';
import { SyncChange, SyncContext } from 'nestjs-hybrid-sync';
import { OnStripeChange } from 'nestjs-hybrid-sync/stripe';
import type Stripe from 'stripe';
import { InvoiceLine } from './invoice-line.entity';
import { Invoice } from './invoice.entity';
import { invoiceRow, lineRows, subscriptionIdOf } from './rows';

/** Invoices are two tables, which is more than a mirror does: a handler keeps them. */
@Injectable()
export class InvoiceHandler {
  @OnStripeChange('invoice', {
    requires: (invoice) => [
      ['customer', invoice.customer],
      ['subscription', subscriptionIdOf(invoice)],
    ],
  })
  async save({ data: invoice, record }: SyncChange<Stripe.Invoice>, { manager }: SyncContext) {
    if (invoice === null) {
      await manager.delete(Invoice, record.id);
      return;
    }
    await manager.upsert(Invoice, invoiceRow(invoice), ['id']);
    await manager.delete(InvoiceLine, { invoiceId: invoice.id });
    await manager.insert(InvoiceLine, lineRows(invoice));
  }
}
