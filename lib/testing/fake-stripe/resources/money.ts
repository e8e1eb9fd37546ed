import { equal, range } from '../filters.js';
import type { Resource } from '../resource.js';

/** Money going back, being disputed, and going out. */
export const moneyResources: Resource[] = [
  {
    type: 'refund',
    path: 'refunds',
    prefix: 're_',
    filters: equal('charge', 'payment_intent'),
    events: { created: 'refund.created', updated: 'refund.updated' },
    actions: { cancel: { patch: () => ({ status: 'canceled' }) } },
    build: (params, making) => {
      const charge = making.find('charge', params.charge);
      return {
        amount: charge ? charge.amount - charge.amount_refunded : 0,
        balance_transaction: null,
        charge: null,
        currency: charge?.currency ?? 'usd',
        destination_details: { card: { type: 'refund' }, type: 'card' },
        payment_intent: charge?.payment_intent ?? null,
        reason: null,
        receipt_number: null,
        status: 'succeeded',
      };
    },
  },
  {
    type: 'dispute',
    path: 'disputes',
    prefix: 'dp_',
    filters: equal('charge', 'payment_intent'),
    events: { created: 'charge.dispute.created', updated: 'charge.dispute.updated' },
    actions: { close: { patch: () => ({ status: 'lost' }), events: ['charge.dispute.closed'] } },
    build: (params, making) => {
      const charge = making.find('charge', params.charge);
      return {
        amount: charge?.amount ?? 0,
        balance_transactions: [],
        charge: null,
        currency: charge?.currency ?? 'usd',
        evidence: {},
        evidence_details: { due_by: null, has_evidence: false, past_due: false, submission_count: 0 },
        is_charge_refundable: true,
        payment_intent: charge?.payment_intent ?? null,
        reason: 'general',
        status: 'needs_response',
      };
    },
  },
  {
    type: 'payout',
    path: 'payouts',
    prefix: 'po_',
    filters: { ...equal('destination', 'status'), ...range('arrival_date') },
    events: {
      created: 'payout.created',
      updated: (after, before) => {
        const ended = ['canceled', 'failed', 'paid'].includes(after.status) && after.status !== before.status;
        return ended ? `payout.${after.status}` : 'payout.updated';
      },
    },
    actions: { cancel: { patch: () => ({ status: 'canceled' }) } },
    build: (_params, { now }) => ({
      amount: 0,
      arrival_date: now,
      automatic: true,
      balance_transaction: null,
      currency: 'usd',
      description: null,
      destination: null,
      failure_code: null,
      failure_message: null,
      method: 'standard',
      reconciliation_status: 'not_applicable',
      source_type: 'card',
      status: 'pending',
      type: 'bank_account',
    }),
  },
  {
    type: 'balance_transaction',
    path: 'balance_transactions',
    prefix: 'txn_',
    filters: equal('currency', 'payout', 'source', 'type'),
    readOnly: true,
    build: (params, { now }) => ({
      amount: 0,
      available_on: now,
      balance_type: 'payments',
      currency: 'usd',
      description: null,
      exchange_rate: null,
      fee: 0,
      fee_details: [],
      net: params.amount ?? 0,
      reporting_category: 'charge',
      source: null,
      status: 'available',
      type: 'charge',
    }),
  },
  {
    type: 'transfer',
    path: 'transfers',
    prefix: 'tr_',
    filters: equal('destination', 'transfer_group'),
    requires: { create: ['currency', 'destination'] },
    events: { created: 'transfer.created', updated: 'transfer.updated' },
    lists: [{ field: 'reversals', type: 'transfer_reversal', segment: 'reversals', by: 'transfer' }],
    build: () => ({
      amount: 0,
      amount_reversed: 0,
      balance_transaction: null,
      currency: 'usd',
      description: null,
      destination: null,
      destination_payment: null,
      reversed: false,
      source_transaction: null,
      source_type: 'card',
      transfer_group: null,
    }),
  },
  {
    type: 'transfer_reversal',
    path: null,
    prefix: 'trr_',
    byCreated: false,
    filters: equal('transfer'),
    build: () => ({ amount: 0, balance_transaction: null, currency: 'usd', transfer: null }),
  },
];
