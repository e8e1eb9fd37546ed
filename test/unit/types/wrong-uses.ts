import type Stripe from 'stripe';
import {
  OnStripeChange,
  OnStripeEvent,
  stripe,
  type StripeEventOf,
  type StripeEventType,
  type StripeResource,
  type StripeResources,
} from 'nestjs-hybrid-sync/stripe';
import { SyncContext } from '../../../lib/handlers/sync.context.js';
import { SyncChange } from '../../../lib/model/change.js';
import { SyncEvent } from '../../../lib/model/event.js';

/** Everything here compiles. */
export class RightUses {
  @OnStripeEvent('invoice.payment_failed')
  async dun(_event: SyncEvent<Stripe.InvoicePaymentFailedEvent>, _context: SyncContext) {}

  @OnStripeEvent('invoice.payment_failed')
  withTheRecordsType(
    _event: SyncEvent<Stripe.InvoicePaymentFailedEvent>,
    _context: SyncContext<Stripe.Invoice>,
  ) {}

  @OnStripeEvent('invoice.payment_failed')
  forAnyStripeEvent(_event: SyncEvent<Stripe.Event>) {}

  @OnStripeEvent('invoice.payment_failed')
  forAnyEvent(_event: SyncEvent) {}

  @OnStripeEvent('invoice.payment_failed')
  withoutParameters() {}

  @OnStripeEvent(['invoice.payment_failed', 'invoice.paid'])
  several(_event: SyncEvent<Stripe.InvoicePaymentFailedEvent | Stripe.InvoicePaidEvent>) {}

  @OnStripeEvent('invoice.*')
  pattern(event: SyncEvent<StripeEventOf<'invoice.*'>>) {
    return event.payload.data.object.id;
  }

  @OnStripeEvent(['*.deleted', 'charge.refunded'])
  patterns(_event: SyncEvent<StripeEventOf<'*.deleted' | 'charge.refunded'>>) {}

  @OnStripeEvent('*')
  all(_event: SyncEvent<Stripe.Event>) {}

  @OnStripeEvent('invoice.paid', {
    name: 'paid',
    source: 'stripeEu',
    hydrate: true,
    maxAgeMs: 60_000,
    requires: (invoice) => [
      ['customer', invoice.customer],
      ['tax_id', invoice.account_tax_ids?.[0]],
    ],
  })
  withOptions(_event: SyncEvent<Stripe.InvoicePaidEvent>) {}

  @OnStripeChange('invoice', { requires: (invoice) => [['customer', invoice.customer]] })
  async save(change: SyncChange<Stripe.Invoice>, { manager, record }: SyncContext<Stripe.Invoice>) {
    await manager.query(record.data?.id ?? change.record.id);
  }

  @OnStripeChange('tax_id', { source: 'stripeEu', transaction: 'none', timeoutMs: 1_000 })
  nested(_change: SyncChange<StripeResource<'tax_id'>>) {}

  @OnStripeChange('balance')
  anything(_change: SyncChange) {}
}

export class WrongUses {
  // @ts-expect-error a misspelt type
  @OnStripeEvent('invoice.payment_faild')
  a(_event: SyncEvent) {}

  // @ts-expect-error a pattern that fits no event
  @OnStripeEvent('invioce.*')
  b(_event: SyncEvent) {}

  // @ts-expect-error one of several that fits no event
  @OnStripeEvent(['invoice.*', 'invioce.*'])
  c(_event: SyncEvent) {}

  // @ts-expect-error a misspelt type among right ones
  @OnStripeEvent(['invoice.paid', 'invoice.payed'])
  d(_event: SyncEvent) {}

  // @ts-expect-error another event
  @OnStripeEvent('invoice.paid')
  e(_event: SyncEvent<Stripe.InvoicePaymentFailedEvent>) {}

  // @ts-expect-error one of the events that the pattern fits
  @OnStripeEvent('invoice.*')
  f(_event: SyncEvent<Stripe.InvoicePaidEvent>) {}

  // @ts-expect-error the object where the event is meant
  @OnStripeEvent('invoice.paid')
  g(_event: SyncEvent<Stripe.Invoice>) {}

  // @ts-expect-error a change where an event is given
  @OnStripeEvent('invoice.paid')
  h(_change: SyncChange<Stripe.Invoice>) {}

  // @ts-expect-error a context of another record
  @OnStripeEvent('customer.created')
  i(_event: SyncEvent<Stripe.CustomerCreatedEvent>, _context: SyncContext<Stripe.Invoice>) {}

  // @ts-expect-error a third parameter, which nobody gives
  @OnStripeEvent('invoice.paid')
  j(_event: SyncEvent<Stripe.InvoicePaidEvent>, _context: SyncContext, _more: string) {}

  // @ts-expect-error a misspelt option
  @OnStripeEvent('invoice.paid', { hidrate: false })
  k(_event: SyncEvent<Stripe.InvoicePaidEvent>) {}

  // @ts-expect-error a misspelt resource among the required
  @OnStripeEvent('invoice.paid', { requires: (invoice) => [['costumer', invoice.customer]] })
  l(_event: SyncEvent<Stripe.InvoicePaidEvent>) {}

  // @ts-expect-error a misspelt field of the record
  @OnStripeEvent('invoice.paid', { requires: (invoice) => [['customer', invoice.costumer]] })
  m(_event: SyncEvent<Stripe.InvoicePaidEvent>) {}

  // @ts-expect-error a misspelt resource
  @OnStripeChange('invoices')
  n(_change: SyncChange) {}

  // @ts-expect-error a resource that the API cannot be asked for
  @OnStripeChange('discount')
  o(_change: SyncChange) {}

  // @ts-expect-error another resource's record
  @OnStripeChange('invoice')
  p(_change: SyncChange<Stripe.Customer>) {}

  // @ts-expect-error an event where a change is given
  @OnStripeChange('invoice')
  q(_event: SyncEvent<Stripe.InvoicePaidEvent>) {}

  // @ts-expect-error an id that is no id
  @OnStripeChange('invoice', { requires: () => [['customer', 7]] })
  r(_change: SyncChange<Stripe.Invoice>) {}

  // @ts-expect-error required records without an id
  @OnStripeChange('invoice', { requires: (invoice) => [['customer', invoice.lines]] })
  s(_change: SyncChange<Stripe.Invoice>) {}

  // @ts-expect-error an option of event handlers
  @OnStripeChange('invoice', { hydrate: false })
  t(_change: SyncChange<Stripe.Invoice>) {}

  // @ts-expect-error a field, not a method
  @OnStripeChange('invoice')
  u = 1;
}

const text: string = 'invoice.paid';
// @ts-expect-error a type that the compiler cannot know
OnStripeEvent(text);

// @ts-expect-error no secrets
stripe({ apiKey: 'sk_test_1' });
// @ts-expect-error a misspelt policy
stripe({ apiKey: 'sk_test_1', webhookSecrets: [], strat: 'now' });

// Each line is an error if its type is not what is written there.
export const exact: [
  StripeEventOf<'invoice.paid'>['type'],
  StripeEventOf<'payout.*d'>['type'],
  StripeEventOf<'*'>['type'] extends StripeEventType ? true : false,
  StripeEventType extends StripeEventOf<'*'>['type'] ? true : false,
] = ['invoice.paid', 'payout.paid', true, true];

/** The resources whose type in the table is another's. */
type Mismatched = {
  [R in keyof StripeResources]: StripeResources[R] extends { object: R } ? never : R;
}[keyof StripeResources];
export const noneMismatched: [Mismatched] extends [never] ? true : false = true;
