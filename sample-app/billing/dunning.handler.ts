import { Injectable } from '@nestjs/common';
import { SyncContext, SyncEvent } from 'nestjs-hybrid-sync';
import { OnStripeEvent } from 'nestjs-hybrid-sync/stripe';
import type Stripe from 'stripe';
import { Customer } from './customer.entity';
import { OutboundMail } from './outbound-mail.entity';
import { idOf } from './rows';

@Injectable()
export class DunningHandler {
  /**
   * One mail for every failed payment. What it says is taken from the event, which is frozen: another attempt at
   * this call, or a mailer that sees the row twice, says the same.
   */
  @OnStripeEvent('invoice.payment_failed', { requires: ({ customer }) => [['customer', customer]] })
  async remind(
    { id: eventId, payload }: SyncEvent<Stripe.InvoicePaymentFailedEvent>,
    { manager, record, idempotencyKey }: SyncContext,
  ) {
    const { customer, number, attempt_count: attempt } = payload.data.object;
    // Through the manager of the context, as the row: a repository would read on another connection.
    const known = await manager.findOneBy(Customer, { id: idOf(customer)! });
    await manager.insert(OutboundMail, {
      id: idempotencyKey,
      eventId: eventId!,
      invoiceId: record.id,
      to: known?.email ?? null,
      subject: `Payment ${attempt} of invoice ${number} failed`,
    });
  }
}
