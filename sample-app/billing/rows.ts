import type Stripe from 'stripe';
import type { Customer } from './customer.entity';
import type { Invoice } from './invoice.entity';
import type { InvoiceLine } from './invoice-line.entity';
import type { Subscription } from './subscription.entity';

/** What of Stripe's records this application keeps. */

export function customerRow({ id, name, email, created }: Stripe.Customer) {
  return { id, name: name ?? null, email, createdAt: dateOf(created) } satisfies Partial<Customer>;
}

export function subscriptionRow(subscription: Stripe.Subscription) {
  const [item] = subscription.items.data;
  return {
    id: subscription.id,
    customerId: idOf(subscription.customer)!,
    status: subscription.status,
    seats: item?.quantity ?? 0,
    cancelAtPeriodEnd: subscription.cancel_at_period_end,
    currentPeriodEnd: item ? dateOf(item.current_period_end) : null,
  } satisfies Partial<Subscription>;
}

export function invoiceRow(invoice: Stripe.Invoice) {
  return {
    id: invoice.id,
    customerId: idOf(invoice.customer)!,
    subscriptionId: subscriptionIdOf(invoice),
    number: invoice.number,
    status: invoice.status ?? 'draft',
    amountDue: invoice.amount_due,
    amountPaid: invoice.amount_paid,
    attempts: invoice.attempt_count,
  } satisfies Partial<Invoice>;
}

/** All lines: Stripe shows the first ten with the invoice, and the module fetches the rest. */
export function lineRows({ id: invoiceId, lines }: Stripe.Invoice) {
  return lines.data.map(({ id, description, amount, quantity }) => {
    return { id, invoiceId, description, amount, quantity } satisfies Partial<InvoiceLine>;
  });
}

export function subscriptionIdOf({ parent }: Stripe.Invoice): string | null {
  return idOf(parent?.subscription_details?.subscription);
}

/** Stripe gives an id or, where asked to expand it, the object. */
export function idOf(reference: string | { id: string } | null | undefined): string | null {
  return typeof reference === 'string' ? reference : (reference?.id ?? null);
}

function dateOf(seconds: number): Date {
  return new Date(seconds * 1000);
}
