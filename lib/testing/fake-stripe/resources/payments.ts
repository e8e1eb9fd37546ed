import { equal } from '../filters.js';
import type { Resource } from '../resource.js';
import type { StripeObject, StripeParams } from '../stripe-object.js';

const INTENT_EVENTS: Record<string, string> = {
  canceled: 'payment_intent.canceled',
  processing: 'payment_intent.processing',
  requires_action: 'payment_intent.requires_action',
  requires_capture: 'payment_intent.amount_capturable_updated',
  succeeded: 'payment_intent.succeeded',
};

const CARD: StripeParams = {
  brand: 'visa',
  checks: { address_line1_check: null, address_postal_code_check: null, cvc_check: 'pass' },
  country: 'US',
  exp_month: 12,
  exp_year: 2034,
  funding: 'credit',
  last4: '4242',
};

/** Money coming in. */
export const paymentResources: Resource[] = [
  {
    type: 'payment_intent',
    path: 'payment_intents',
    prefix: 'pi_',
    filters: equal('customer'),
    requires: { create: ['amount', 'currency'] },
    // Stripe has no payment_intent.updated: other changes of an intent come without an event.
    events: {
      created: 'payment_intent.created',
      updated: (after, before) =>
        after.status === before.status ? null : (INTENT_EVENTS[after.status] ?? null),
    },
    actions: {
      cancel: {
        patch: (_intent, params, { now }) => ({
          status: 'canceled',
          canceled_at: now,
          cancellation_reason: params.cancellation_reason ?? null,
        }),
      },
    },
    build: (_params, making, id) => ({
      amount: 0,
      amount_capturable: 0,
      amount_received: 0,
      application: null,
      application_fee_amount: null,
      automatic_payment_methods: null,
      canceled_at: null,
      cancellation_reason: null,
      capture_method: 'automatic',
      client_secret: `${id}_secret_${making.id('')}`,
      confirmation_method: 'automatic',
      currency: 'usd',
      customer: null,
      description: null,
      last_payment_error: null,
      latest_charge: null,
      next_action: null,
      on_behalf_of: null,
      payment_method: null,
      payment_method_options: {},
      payment_method_types: ['card'],
      processing: null,
      receipt_email: null,
      review: null,
      setup_future_usage: null,
      shipping: null,
      statement_descriptor: null,
      statement_descriptor_suffix: null,
      status: 'requires_payment_method',
      transfer_data: null,
      transfer_group: null,
    }),
  },
  {
    type: 'charge',
    path: 'charges',
    prefix: 'ch_',
    filters: equal('customer', 'payment_intent', 'transfer_group'),
    requires: { create: ['amount', 'currency'] },
    events: { created: (charge) => `charge.${charge.status}`, updated: 'charge.updated' },
    // Since 2022-11-15 the refunds of a charge are shown only where they are asked for.
    lists: [{ field: 'refunds', type: 'refund', segment: 'refunds', by: 'charge', onlyExpanded: true }],
    build: (params) => ({
      amount: 0,
      amount_captured: params.status === 'failed' ? 0 : (params.amount ?? 0),
      amount_refunded: 0,
      application: null,
      application_fee: null,
      application_fee_amount: null,
      balance_transaction: null,
      billing_details: { address: null, email: null, name: null, phone: null, tax_id: null },
      calculated_statement_descriptor: null,
      captured: params.status !== 'failed',
      currency: 'usd',
      customer: null,
      description: null,
      disputed: false,
      failure_balance_transaction: null,
      failure_code: null,
      failure_message: null,
      fraud_details: {},
      on_behalf_of: null,
      outcome: null,
      paid: params.status !== 'failed',
      payment_intent: null,
      payment_method: null,
      payment_method_details: { card: CARD, type: 'card' },
      receipt_email: null,
      receipt_number: null,
      receipt_url: null,
      refunded: false,
      review: null,
      shipping: null,
      source_transfer: null,
      statement_descriptor: null,
      statement_descriptor_suffix: null,
      status: 'succeeded',
      transfer_data: null,
      transfer_group: null,
    }),
  },
  {
    type: 'payment_method',
    path: 'payment_methods',
    prefix: 'pm_',
    byCreated: false,
    filters: equal('customer', 'type', 'allow_redisplay'),
    requires: { list: ['customer'] },
    events: {
      created: (method) => (method.customer ? 'payment_method.attached' : null),
      updated: 'payment_method.updated',
    },
    actions: {
      attach: {
        patch: (_method, params) => ({ customer: params.customer }),
        events: ['payment_method.attached'],
      },
      detach: { patch: () => ({ customer: null }), events: ['payment_method.detached'] },
    },
    build: () => ({
      allow_redisplay: 'unspecified',
      billing_details: { address: null, email: null, name: null, phone: null, tax_id: null },
      card: CARD,
      customer: null,
      type: 'card',
    }),
  },
  {
    type: 'setup_intent',
    path: 'setup_intents',
    prefix: 'seti_',
    filters: equal('customer', 'payment_method', 'attach_to_self'),
    events: { created: 'setup_intent.created', updated: setupEvent },
    actions: { cancel: { patch: () => ({ status: 'canceled' }) } },
    build: (_params, making, id) => ({
      cancellation_reason: null,
      client_secret: `${id}_secret_${making.id('')}`,
      customer: null,
      description: null,
      last_setup_error: null,
      latest_attempt: null,
      mandate: null,
      next_action: null,
      payment_method: null,
      payment_method_types: ['card'],
      status: 'requires_payment_method',
      usage: 'off_session',
    }),
  },
];

function setupEvent(after: StripeObject, before: StripeObject): string | null {
  const announced = ['canceled', 'requires_action', 'succeeded'].includes(after.status);
  return announced && after.status !== before.status ? `setup_intent.${after.status}` : null;
}
