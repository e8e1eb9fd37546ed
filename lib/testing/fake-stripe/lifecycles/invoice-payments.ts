import type { ChangeOptions, StripeState } from '../state.js';
import type { StripeObject } from '../stripe-object.js';

const DECLINED = { code: 'card_declined', message: 'The card was declined.' };

/** One attempt to charge an open invoice: the charge, and what becomes of the invoice's payment and its intent. */
export function chargeInvoice(
  state: StripeState,
  invoice: StripeObject,
  status: 'succeeded' | 'failed',
  options: ChangeOptions,
): void {
  const succeeded = status === 'succeeded';
  const payment = paymentOf(state, invoice.id, options.account ?? null);
  const intent: string | null = payment?.payment?.payment_intent ?? null;
  const { amount_due: amount, currency, customer } = invoice;
  const chargeId = state.id('ch_');
  const entry = succeeded
    ? state.create('balance_transaction', { amount, currency, source: chargeId }, options)
    : null;
  const charge = state.create(
    'charge',
    {
      id: chargeId,
      amount,
      balance_transaction: entry?.id ?? null,
      currency,
      customer,
      payment_intent: intent,
      status,
      ...(succeeded ? {} : { failure_code: DECLINED.code, failure_message: DECLINED.message }),
    },
    options,
  );
  if (!payment || intent === null) return;
  if (succeeded) {
    const patch = { amount_received: amount, latest_charge: charge.id, status: 'succeeded' };
    state.update('payment_intent', intent, patch, options);
    const paid = { amount_paid: amount, status: 'paid', status_transitions: { paid_at: state.seconds() } };
    state.update('invoice_payment', payment.id, paid, { ...options, types: ['invoice_payment.paid'] });
  } else {
    const error = { ...DECLINED, charge: charge.id, type: 'card_error' };
    const patch = { last_payment_error: error, latest_charge: charge.id, status: 'requires_payment_method' };
    state.update('payment_intent', intent, patch, { ...options, types: ['payment_intent.payment_failed'] });
  }
}

/** Looked for from the newest, since an invoice is mostly paid soon after it was finalized. */
function paymentOf(state: StripeState, invoice: string, account: string | null): StripeObject | null {
  const shelf = state.objects.shelf(state.objects.table.ofType('invoice_payment'), account);
  for (let at = shelf.length - 1; at >= 0; at--) {
    const payment = shelf.at(at);
    if (payment?.invoice === invoice) return payment;
  }
  return null;
}
