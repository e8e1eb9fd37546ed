import { SyncChange, SyncContext, SyncEvent } from 'nestjs-hybrid-sync';
import type { StripeEventOf, StripeEventType } from 'nestjs-hybrid-sync/stripe';
import { syncChange, syncContext, syncEvent } from 'nestjs-hybrid-sync/testing';
import { stripeChange, stripeEvent, stripeRecord } from 'nestjs-hybrid-sync/testing/stripe';
import type Stripe from 'stripe';
import type { EntityManager } from 'typeorm';
import type { StripeObjectTypeOf } from '../../../lib/testing/stripe/event-objects.js';

declare const manager: EntityManager;

interface Order {
  total: number;
}

class Handlers {
  dun(_event: SyncEvent<Stripe.InvoicePaymentFailedEvent>, _context: SyncContext<Stripe.Invoice>) {}
  save(_change: SyncChange<Stripe.Invoice>, _context: SyncContext<Stripe.Invoice>) {}
  any(_event: SyncEvent, _context: SyncContext) {}
  order(_event: SyncEvent<Order>, _context: SyncContext<Order>) {}
  orderChange(_change: SyncChange<Order>, _context: SyncContext<Order>) {}
}
const handlers = new Handlers();

/** Everything here compiles. */
export function rightUses() {
  const invoice = stripeRecord('invoice', { id: 'in_1', status: 'open', lines: { data: [{ amount: 5 }] } });
  const context = syncContext({ record: invoice, manager, attempt: 2 });
  handlers.dun(stripeEvent('invoice.payment_failed', { id: 'in_1', customer: { id: 'cus_1' } }), context);
  handlers.dun(stripeEvent('invoice.payment_failed'), syncContext());
  const partial = syncContext({ record: { resource: 'invoice', id: 'in_1', data: { status: 'open' } } });
  handlers.dun(stripeEvent('invoice.payment_failed', { metadata: { a: 'b' } }), partial);
  handlers.any(stripeEvent('customer.updated', {}, { previousAttributes: { email: null } }), context);
  handlers.save(stripeChange('invoice', { status: 'paid' }, { kind: 'updated' }), context);
  stripeRecord('price', { unit_amount_decimal: '12.5' });
  handlers.order(syncEvent('order.paid', { total: 1 }), syncContext({ manager: { query: async () => [1] } }));
  handlers.orderChange(syncChange<Order>({ id: '1', data: { total: 1 } }), syncContext());
}

export function wrongUses() {
  // @ts-expect-error a misspelt type
  stripeEvent('invoice.payment_faild', {});
  // @ts-expect-error a pattern, which is no event
  stripeEvent('invoice.*', {});
  // @ts-expect-error a misspelt field
  stripeEvent('invoice.paid', { statsu: 'open' });
  // @ts-expect-error a value of another type
  stripeEvent('invoice.paid', { amount_due: '19.00' });
  // @ts-expect-error a misspelt field further in
  stripeEvent('invoice.paid', { lines: { data: [{ amuont: 1 }] } });
  // @ts-expect-error another event than the handler's
  handlers.dun(stripeEvent('invoice.paid', {}), syncContext());
  // @ts-expect-error another record than the handler's
  handlers.dun(stripeEvent('invoice.payment_failed'), syncContext({ record: stripeRecord('customer') }));
  // @ts-expect-error a change where an event is meant
  handlers.dun(stripeChange('invoice'), syncContext());
  // @ts-expect-error a misspelt resource
  stripeChange('invoices', {});
  // @ts-expect-error what the API cannot be asked for has no record
  stripeRecord('discount');
  // @ts-expect-error no kind of change
  stripeChange('invoice', {}, { kind: 'changed' });
  // @ts-expect-error another resource's record
  handlers.save(stripeChange('customer'), syncContext());
  // @ts-expect-error a misspelt field of the context
  syncContext({ manger: manager });
  // @ts-expect-error a misspelt field of the record
  syncContext({ record: { resuorce: 'invoice' } });
  // @ts-expect-error no manager
  syncContext({ manager: { insret: () => undefined } });
  // @ts-expect-error another payload than the handler's
  handlers.order(syncEvent('order.paid', { totla: 1 }), syncContext());
  // @ts-expect-error no origin
  syncEvent('order.paid', {}, { origin: 'web' });
}

/** The event types whose object is of another kind than the table says. */
type Mismatched = {
  [T in StripeEventType]: StripeEventOf<T>['data']['object'] extends infer Shown
    ? Extract<Shown, { object: StripeObjectTypeOf<T> }> extends never
      ? T
      : never
    : never;
}[StripeEventType];
export const noneMismatched: [Mismatched] extends [never] ? true : false = true;
