import { noSuchObject, noSuchParameterObject } from '../api-error.js';
import type { ChangeOptions, StripeState } from '../state.js';
import { isList } from '../stripe-object.js';
import type { StripeObject, StripeParams } from '../stripe-object.js';
import { periodEnd } from '../resources/subscription-items.js';
import { failInvoicePayment, finalizeInvoice, payInvoice } from './invoices.js';

const DAY = 86_400;

/** How the payment of a subscription's invoice goes: `pending` leaves the invoice open. */
export type PaymentOutcome = 'succeeds' | 'fails' | 'pending';

/** A subscription to one price. Whatever else is given becomes a field of the subscription. */
export interface NewSubscription extends StripeParams {
  /** A customer's id. */
  customer: string;
  /** A price's id. */
  price: string;
  /** @default 1 */
  quantity?: number;
  /** @default 'succeeds' */
  payment?: PaymentOutcome;
  /** Days free of charge; there is no invoice then. @default none */
  trialDays?: number;
}

/**
 * A new subscription with its first invoice: created incomplete, invoiced, and active once paid; `trialing` at once with
 * a trial.
 * @throws StripeApiError 400 if the customer or the price does not exist.
 */
export function createSubscription(
  state: StripeState,
  params: NewSubscription,
  options: ChangeOptions,
): { subscription: StripeObject; invoice: StripeObject | null } {
  const account = options.account ?? null;
  const { price, quantity = 1, payment = 'succeeds', trialDays = 0, ...fields } = params;
  for (const [type, id] of Object.entries({ customer: params.customer, price })) {
    if (!state.objects.find(type, id, account)) throw noSuchParameterObject(type, id, type);
  }
  const trialEnd = trialDays > 0 ? state.seconds() + trialDays * DAY : null;
  const invoiceId = trialEnd === null ? state.id('in_') : null;
  const created = state.create(
    'subscription',
    {
      status: trialEnd === null ? 'incomplete' : 'trialing',
      items: [{ price, quantity, ...(trialEnd === null ? {} : { current_period_end: trialEnd }) }],
      trial_start: trialEnd === null ? null : state.seconds(),
      trial_end: trialEnd,
      latest_invoice: invoiceId,
      ...fields,
    },
    options,
  );
  const bills = { reason: 'subscription_create', payment };
  const invoice = invoiceId === null ? null : bill(state, created, { id: invoiceId, ...bills }, options);
  return { subscription: state.objects.get('subscription', created.id, account), invoice };
}

/** Begins the next period of a subscription: its items move on, and it is invoiced. A failed payment makes it `past_due`. */
export function renewSubscription(
  state: StripeState,
  id: string,
  payment: PaymentOutcome,
  options: ChangeOptions,
): { subscription: StripeObject; invoice: StripeObject } {
  const account = options.account ?? null;
  const before = state.objects.get('subscription', id, account);
  const invoiceId = state.id('in_');
  const items = itemsOf(before).map((item) => ({
    id: item.id,
    current_period_start: item.current_period_end,
    current_period_end: periodEnd(item.current_period_end, item.price?.recurring ?? null),
  }));
  const patch = {
    items,
    latest_invoice: invoiceId,
    ...(before.status === 'trialing' ? { status: 'active' } : {}),
  };
  const renewed = state.update('subscription', id, patch, options);
  const invoice = bill(state, renewed, { id: invoiceId, reason: 'subscription_cycle', payment }, options);
  return { subscription: state.objects.get('subscription', id, account), invoice };
}

/** Ends a subscription at once, or marks it to end with its period. @throws StripeApiError 404 if it has ended already. */
export function cancelSubscription(
  state: StripeState,
  id: string,
  { atPeriodEnd = false }: { atPeriodEnd?: boolean },
  options: ChangeOptions,
): StripeObject {
  const subscription = state.objects.get('subscription', id, options.account ?? null);
  if (subscription.status === 'canceled') throw noSuchObject('subscription', id);
  const now = state.seconds();
  const why = { cancellation_details: { reason: 'cancellation_requested' }, canceled_at: now };
  if (atPeriodEnd) {
    const end = itemsOf(subscription)[0]?.current_period_end ?? null;
    return state.update('subscription', id, { ...why, cancel_at: end, cancel_at_period_end: true }, options);
  }
  return state.update(
    'subscription',
    id,
    { ...why, ended_at: now, status: 'canceled' },
    { ...options, types: options.types ?? ['customer.subscription.deleted'] },
  );
}

function bill(
  state: StripeState,
  subscription: StripeObject,
  { id, reason, payment }: { id: string; reason: string; payment: PaymentOutcome },
  options: ChangeOptions,
): StripeObject {
  state.create(
    'invoice',
    {
      id,
      auto_advance: true,
      billing_reason: reason,
      currency: subscription.currency,
      customer: subscription.customer,
      lines: itemsOf(subscription).map(lineOf),
      subscription: subscription.id,
    },
    options,
  );
  finalizeInvoice(state, id, options);
  const invoice = state.objects.get('invoice', id, options.account ?? null);
  if (payment === 'pending' || invoice.status === 'paid') return invoice;
  return payment === 'succeeds' ? payInvoice(state, id, options) : failInvoicePayment(state, id, options);
}

function lineOf(item: StripeObject): StripeParams {
  const unitAmount = Number(item.price?.unit_amount ?? 0);
  return {
    amount: unitAmount * item.quantity,
    description: `${item.quantity} × ${item.price?.nickname ?? item.price?.product ?? 'subscription'}`,
    parent: {
      type: 'subscription_item_details',
      subscription_item_details: {
        invoice_item: null,
        proration: false,
        subscription: item.subscription,
        subscription_item: item.id,
      },
    },
    period: { start: item.current_period_start, end: item.current_period_end },
    pricing: {
      type: 'price_details',
      price_details: { price: item.price?.id ?? null, product: item.price?.product ?? null },
      unit_amount_decimal: String(unitAmount),
    },
    quantity: item.quantity,
  };
}

function itemsOf(subscription: StripeObject): StripeObject[] {
  return isList(subscription.items) ? subscription.items.data : [];
}
