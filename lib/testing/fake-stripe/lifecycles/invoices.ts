import { notInThisState } from '../api-error.js';
import type { ChangeOptions, StripeState } from '../state.js';
import type { StripeObject } from '../stripe-object.js';
import { chargeInvoice } from './invoice-payments.js';

const HOUR = 3_600;

/**
 * Draft to open: it gets its number and a payment intent; one about nothing is paid at once.
 *
 * Events: `invoice.finalized`, then `payment_intent.created`, or `invoice.paid` and `invoice.payment_succeeded`.
 * @throws StripeApiError 400 unless it is a draft.
 */
export function finalizeInvoice(state: StripeState, id: string, options: ChangeOptions): StripeObject {
  const account = options.account ?? null;
  const draft = state.objects.get('invoice', id, account);
  if (draft.status !== 'draft') throw notInThisState('invoice_not_editable', 'This invoice is not a draft.');
  const now = state.seconds();
  const free = draft.total === 0;
  const invoice = state.update(
    'invoice',
    id,
    {
      effective_at: now,
      hosted_invoice_url: `https://invoice.example/${id}`,
      invoice_pdf: `https://invoice.example/${id}/pdf`,
      number: draft.number ?? `${state.id('', 8).toUpperCase()}-0001`,
      status: free ? 'paid' : 'open',
      status_transitions: { finalized_at: now, ...(free ? { paid_at: now } : {}) },
    },
    {
      ...options,
      types: ['invoice.finalized', ...(free ? ['invoice.paid', 'invoice.payment_succeeded'] : [])],
    },
  );
  if (free) activateSubscription(state, invoice, options);
  else askForPayment(state, invoice, options);
  return invoice;
}

/**
 * Charges an invoice with success, finalizing a draft first. What it was billed for becomes active.
 *
 * Events: `charge.succeeded`, `payment_intent.succeeded`, `invoice_payment.paid`, `invoice.updated`, `invoice.paid`,
 * `invoice.payment_succeeded`, and `customer.subscription.updated` where that changes.
 * @throws StripeApiError 400 unless it is a draft or open.
 */
export function payInvoice(state: StripeState, id: string, options: ChangeOptions): StripeObject {
  const open = openInvoice(state, id, options);
  if (open.status === 'paid') return open;
  chargeInvoice(state, open, 'succeeded', options);
  const invoice = state.update(
    'invoice',
    id,
    {
      amount_paid: open.amount_due,
      amount_remaining: 0,
      attempt_count: open.attempt_count + 1,
      attempted: true,
      next_payment_attempt: null,
      status: 'paid',
      status_transitions: { paid_at: state.seconds() },
    },
    { ...options, types: ['invoice.updated', 'invoice.paid', 'invoice.payment_succeeded'] },
  );
  activateSubscription(state, invoice, options);
  return invoice;
}

/**
 * Tries to charge an invoice in vain, finalizing a draft first. An active subscription becomes `past_due`.
 *
 * Events: `charge.failed`, `payment_intent.payment_failed`, `invoice.updated`, `invoice.payment_failed`, and
 * `customer.subscription.updated` where that changes.
 * @throws StripeApiError 400 unless it is a draft or open.
 */
export function failInvoicePayment(state: StripeState, id: string, options: ChangeOptions): StripeObject {
  const open = openInvoice(state, id, options);
  if (open.status === 'paid') throw notInThisState('invoice_already_paid', 'There is nothing left to pay.');
  chargeInvoice(state, open, 'failed', options);
  const invoice = state.update(
    'invoice',
    id,
    {
      attempt_count: open.attempt_count + 1,
      attempted: true,
      next_payment_attempt: state.seconds() + 72 * HOUR,
    },
    { ...options, types: ['invoice.updated', 'invoice.payment_failed'] },
  );
  const subscription = subscriptionOf(state, invoice, options);
  if (subscription?.status === 'active') {
    state.update('subscription', subscription.id, { status: 'past_due' }, options);
  }
  return invoice;
}

function openInvoice(state: StripeState, id: string, options: ChangeOptions): StripeObject {
  const invoice = state.objects.get('invoice', id, options.account ?? null);
  if (invoice.status === 'draft') return finalizeInvoice(state, id, options);
  if (invoice.status === 'open') return invoice;
  throw notInThisState('invoice_not_open', `This invoice is ${invoice.status}.`);
}

function askForPayment(state: StripeState, invoice: StripeObject, options: ChangeOptions): void {
  const { id, amount_due: amount, currency, customer } = invoice;
  const intent = state.create('payment_intent', { amount, currency, customer }, options);
  const payment = { type: 'payment_intent', payment_intent: intent.id };
  state.create('invoice_payment', { amount_requested: amount, currency, invoice: id, payment }, options);
}

function activateSubscription(state: StripeState, invoice: StripeObject, options: ChangeOptions): void {
  const subscription = subscriptionOf(state, invoice, options);
  if (subscription && ['incomplete', 'past_due', 'unpaid'].includes(subscription.status)) {
    state.update('subscription', subscription.id, { status: 'active' }, options);
  }
}

function subscriptionOf(
  state: StripeState,
  invoice: StripeObject,
  options: ChangeOptions,
): StripeObject | null {
  const id: unknown = invoice.parent?.subscription_details?.subscription;
  return state.objects.find('subscription', id, options.account ?? null);
}
