import { equal } from '../filters.js';
import type { Making, Resource } from '../resource.js';
import { isList, isPlainObject } from '../stripe-object.js';
import type { StripeList, StripeParams } from '../stripe-object.js';

const DAY = 86_400;

/** Papers with lines of their own: credit notes, quotes, checkout sessions. */
export const documentResources: Resource[] = [
  {
    type: 'credit_note',
    path: 'credit_notes',
    prefix: 'cn_',
    filters: equal('customer', 'invoice'),
    requires: { create: ['invoice'] },
    events: { created: 'credit_note.created', updated: 'credit_note.updated' },
    lists: [{ field: 'lines', type: 'credit_note_line_item', segment: 'lines' }],
    actions: {
      void: {
        patch: (_note, _params, { now }) => ({ status: 'void', voided_at: now }),
        events: ['credit_note.voided'],
      },
    },
    consumes: ['lines'],
    build: (params, making, id) => {
      const lines = rows(
        params.lines,
        'credit_note_line_item',
        'cnli_',
        `/v1/credit_notes/${id}/lines`,
        making,
      );
      const total = params.amount ?? lines.data.reduce((sum, line) => sum + Number(line.amount ?? 0), 0);
      return {
        amount: total,
        currency: 'usd',
        customer: making.find('invoice', params.invoice)?.customer ?? null,
        discount_amount: 0,
        invoice: null,
        lines,
        memo: null,
        number: null,
        reason: null,
        refunds: [],
        status: 'issued',
        subtotal: total,
        total,
        type: 'pre_payment',
        voided_at: null,
      };
    },
  },
  {
    type: 'quote',
    path: 'quotes',
    prefix: 'qt_',
    byCreated: false,
    filters: equal('customer', 'status', 'test_clock'),
    events: { created: 'quote.created', updated: () => null },
    lists: [{ field: 'line_items', type: 'item', segment: 'line_items', onlyExpanded: true }],
    actions: {
      accept: { patch: () => ({ status: 'accepted' }), events: ['quote.accepted'] },
      cancel: { patch: () => ({ status: 'canceled' }), events: ['quote.canceled'] },
      finalize: { patch: () => ({ status: 'open' }), events: ['quote.finalized'] },
    },
    consumes: ['line_items'],
    build: (params, making, id) => ({
      amount_subtotal: 0,
      amount_total: 0,
      collection_method: 'charge_automatically',
      currency: 'usd',
      customer: null,
      description: null,
      discounts: [],
      expires_at: making.now + 30 * DAY,
      invoice: null,
      line_items: rows(params.line_items, 'item', 'li_', `/v1/quotes/${id}/line_items`, making),
      number: null,
      status: 'draft',
      subscription: null,
      subscription_schedule: null,
      test_clock: null,
    }),
  },
  {
    type: 'checkout.session',
    path: 'checkout/sessions',
    prefix: 'cs_test_',
    idLength: 58,
    filters: equal(
      'customer',
      'customer_details',
      'payment_intent',
      'payment_link',
      'status',
      'subscription',
    ),
    // A session tells of its end only; there is no event for its beginning or for other changes.
    events: {
      updated: (after, before) => {
        if (after.status === before.status) return null;
        if (after.status === 'complete') return 'checkout.session.completed';
        return after.status === 'expired' ? 'checkout.session.expired' : null;
      },
    },
    lists: [{ field: 'line_items', type: 'item', segment: 'line_items', onlyExpanded: true }],
    actions: { expire: { patch: () => ({ status: 'expired', url: null }) } },
    consumes: ['line_items'],
    build: (params, making, id) => ({
      amount_subtotal: null,
      amount_total: null,
      cancel_url: null,
      client_reference_id: null,
      currency: 'usd',
      customer: null,
      customer_details: null,
      customer_email: null,
      expires_at: making.now + DAY,
      invoice: null,
      line_items: rows(params.line_items, 'item', 'li_', `/v1/checkout/sessions/${id}/line_items`, making),
      mode: 'payment',
      payment_intent: null,
      payment_link: null,
      payment_status: 'unpaid',
      setup_intent: null,
      status: 'open',
      subscription: null,
      success_url: null,
      url: `https://checkout.example/${id}`,
    }),
  },
];

function rows(given: unknown, type: string, prefix: string, url: string, making: Making): StripeList {
  const partial: unknown = isList(given) ? given.data : given;
  const data = (Array.isArray(partial) ? partial.filter(isPlainObject) : []).map((row: StripeParams) => ({
    id: making.id(prefix),
    object: type,
    ...row,
  }));
  return { object: 'list', data, has_more: false, url };
}
