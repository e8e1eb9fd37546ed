import { equal, range } from '../filters.js';
import type { Resource } from '../resource.js';
import type { StripeParams } from '../stripe-object.js';
import { amounts, buildLines } from './invoice-lines.js';

/** Invoices and what is put on them. */
export const invoicingResources: Resource[] = [
  {
    type: 'invoice',
    path: 'invoices',
    prefix: 'in_',
    filters: {
      ...equal('customer', 'status', 'collection_method'),
      ...range('due_date'),
      subscription: (invoice, id) => invoice.parent?.subscription_details?.subscription === id,
    },
    requires: { create: ['customer'] },
    deletable: true,
    events: { created: 'invoice.created', updated: 'invoice.updated', deleted: 'invoice.deleted' },
    lists: [
      { field: 'lines', type: 'line_item', segment: 'lines' },
      {
        field: 'payments',
        type: 'invoice_payment',
        by: 'invoice',
        url: (id) => `/v1/invoice_payments?invoice=${id}`,
        onlyExpanded: true,
      },
    ],
    actions: {
      mark_uncollectible: {
        patch: (_invoice, _params, { now }) => ({
          status: 'uncollectible',
          status_transitions: { marked_uncollectible_at: now },
        }),
        events: ['invoice.updated', 'invoice.marked_uncollectible'],
      },
      send: { patch: () => ({}), events: ['invoice.sent'] },
      void: {
        patch: (_invoice, _params, { now }) => ({ status: 'void', status_transitions: { voided_at: now } }),
        events: ['invoice.updated', 'invoice.voided'],
      },
    },
    consumes: ['lines', 'subscription'],
    build: (params, making, id) => {
      const currency = String(params.currency ?? 'usd');
      const lines = buildLines(params.lines, id, currency, making);
      const customer = making.find('customer', params.customer);
      return {
        account_country: 'US',
        account_name: null,
        account_tax_ids: null,
        ...amounts(lines, 0),
        amount_overpaid: 0,
        amount_shipping: 0,
        application: null,
        attempt_count: 0,
        attempted: false,
        auto_advance: false,
        automatic_tax: {
          disabled_reason: null,
          enabled: false,
          liability: null,
          provider: null,
          status: null,
        },
        automatically_finalizes_at: null,
        billing_reason: params.subscription ? 'subscription_create' : 'manual',
        collection_method: 'charge_automatically',
        currency,
        custom_fields: null,
        customer: null,
        customer_account: null,
        customer_address: customer?.address ?? null,
        customer_email: customer?.email ?? null,
        customer_name: customer?.name ?? null,
        customer_phone: customer?.phone ?? null,
        customer_shipping: customer?.shipping ?? null,
        customer_tax_exempt: 'none',
        customer_tax_ids: [],
        default_payment_method: null,
        default_source: null,
        default_tax_rates: [],
        description: null,
        discounts: [],
        due_date: null,
        effective_at: null,
        ending_balance: null,
        footer: null,
        from_invoice: null,
        hosted_invoice_url: null,
        invoice_pdf: null,
        issuer: { type: 'self' },
        last_finalization_error: null,
        latest_revision: null,
        lines,
        next_payment_attempt: null,
        number: null,
        on_behalf_of: null,
        parent: parentOf(params.subscription),
        payment_settings: { default_mandate: null, payment_method_options: null, payment_method_types: null },
        period_end: making.now,
        period_start: making.now,
        post_payment_credit_notes_amount: 0,
        pre_payment_credit_notes_amount: 0,
        receipt_number: null,
        rendering: null,
        shipping_cost: null,
        shipping_details: null,
        starting_balance: 0,
        statement_descriptor: null,
        status: 'draft',
        status_transitions: {
          finalized_at: null,
          marked_uncollectible_at: null,
          paid_at: null,
          voided_at: null,
        },
        test_clock: null,
        total_discount_amounts: [],
        total_pretax_credit_amounts: [],
        total_taxes: [],
        webhooks_delivered_at: null,
      };
    },
    revise: (params, before, making) => {
      if (params.lines === undefined) return {};
      const lines = buildLines(params.lines, before.id, before.currency, making);
      return { lines, ...amounts(lines, Number(before.amount_paid ?? 0)) };
    },
  },
  {
    type: 'invoiceitem',
    path: 'invoiceitems',
    prefix: 'ii_',
    filters: {
      ...equal('customer', 'invoice'),
      pending: (item, pending) => (item.invoice === null) === (pending === true),
    },
    requires: { create: ['customer'] },
    deletable: true,
    events: { created: 'invoiceitem.created', deleted: 'invoiceitem.deleted' },
    build: (params, { now }) => ({
      amount: 0,
      currency: 'usd',
      customer: null,
      date: now,
      description: null,
      discountable: true,
      discounts: [],
      invoice: null,
      net_amount: params.amount ?? 0,
      parent: null,
      period: { start: now, end: now },
      pricing: null,
      proration: false,
      quantity: 1,
      tax_rates: [],
      test_clock: null,
    }),
  },
  {
    type: 'invoice_payment',
    path: 'invoice_payments',
    prefix: 'inpay_',
    filters: equal('invoice', 'status', 'payment'),
    readOnly: true,
    build: () => ({
      amount_paid: null,
      amount_requested: 0,
      currency: 'usd',
      invoice: null,
      is_default: true,
      payment: { type: 'payment_intent' },
      status: 'open',
      status_transitions: { canceled_at: null, paid_at: null },
    }),
  },
];

/** Since 2025-03-31 an invoice names its subscription here, and has no `subscription` of its own. */
function parentOf(subscription: unknown): StripeParams | null {
  if (!subscription) return null;
  return {
    type: 'subscription_details',
    quote_details: null,
    subscription_details: { metadata: {}, subscription },
  };
}
