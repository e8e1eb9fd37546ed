import { equal, range } from '../filters.js';
import type { Resource } from '../resource.js';
import { isList } from '../stripe-object.js';
import type { StripeObject } from '../stripe-object.js';
import { reviseItems } from './subscription-items.js';

/** Subscriptions and what leads to them. */
export const billingResources: Resource[] = [
  {
    type: 'subscription',
    path: 'subscriptions',
    prefix: 'sub_',
    filters: {
      ...equal('customer', 'collection_method', 'test_clock', 'automatic_tax'),
      price: (subscription, price) => itemsOf(subscription).some((item) => item.price?.id === price),
      plan: (subscription, plan) => itemsOf(subscription).some((item) => item.price?.id === plan),
      status: hasStatus,
    },
    omits: (subscription, params) => params.status === undefined && subscription.status === 'canceled',
    requires: { create: ['customer', 'items'] },
    deletable: true,
    events: {
      created: 'customer.subscription.created',
      updated: 'customer.subscription.updated',
      deleted: 'customer.subscription.deleted',
    },
    lists: [
      {
        field: 'items',
        type: 'subscription_item',
        url: (id) => `/v1/subscription_items?subscription=${id}`,
      },
    ],
    consumes: ['items'],
    build: (params, making, id) => {
      const items = reviseItems(params.items, [], id, making);
      return {
        application: null,
        application_fee_percent: null,
        automatic_tax: { disabled_reason: null, enabled: false, liability: null },
        billing_cycle_anchor: making.now,
        billing_cycle_anchor_config: null,
        billing_mode: { type: 'classic' },
        cancel_at: null,
        cancel_at_period_end: false,
        canceled_at: null,
        cancellation_details: { comment: null, feedback: null, reason: null },
        collection_method: 'charge_automatically',
        currency: items.data[0]?.price?.currency ?? 'usd',
        customer: null,
        customer_account: null,
        days_until_due: null,
        default_payment_method: null,
        default_source: null,
        default_tax_rates: [],
        description: null,
        discounts: [],
        ended_at: null,
        invoice_settings: { account_tax_ids: null, issuer: { type: 'self' } },
        items,
        latest_invoice: null,
        next_pending_invoice_item_invoice: null,
        on_behalf_of: null,
        pause_collection: null,
        payment_settings: { payment_method_options: null, payment_method_types: null },
        pending_invoice_item_interval: null,
        pending_setup_intent: null,
        pending_update: null,
        schedule: null,
        start_date: making.now,
        status: 'active',
        test_clock: null,
        transfer_data: null,
        trial_end: null,
        trial_settings: { end_behavior: { missing_payment_method: 'create_invoice' } },
        trial_start: null,
      };
    },
    revise: (params, before, making) =>
      params.items === undefined
        ? {}
        : { items: reviseItems(params.items, itemsOf(before), before.id, making) },
  },
  {
    type: 'subscription_item',
    path: 'subscription_items',
    prefix: 'si_',
    idLength: 14,
    byCreated: false,
    filters: equal('subscription'),
    listedIn: { type: 'subscription', field: 'items', by: 'subscription' },
    requires: { create: ['subscription'], list: ['subscription'] },
    deletable: true,
  },
  {
    type: 'subscription_schedule',
    path: 'subscription_schedules',
    prefix: 'sub_sched_',
    filters: {
      ...equal('customer'),
      ...range('canceled_at', 'completed_at', 'released_at'),
      scheduled: (schedule, wanted) => (schedule.status === 'not_started') === (wanted === true),
    },
    events: { created: 'subscription_schedule.created', updated: 'subscription_schedule.updated' },
    actions: {
      cancel: {
        patch: (_schedule, _params, { now }) => ({ status: 'canceled', canceled_at: now }),
        events: ['subscription_schedule.canceled'],
      },
      release: {
        patch: (schedule, _params, { now }) => ({
          status: 'released',
          released_at: now,
          released_subscription: schedule.subscription,
          subscription: null,
        }),
        events: ['subscription_schedule.released'],
      },
    },
    build: () => ({
      canceled_at: null,
      completed_at: null,
      current_phase: null,
      customer: null,
      end_behavior: 'release',
      phases: [],
      released_at: null,
      released_subscription: null,
      status: 'not_started',
      subscription: null,
      test_clock: null,
    }),
  },
];

function itemsOf(subscription: StripeObject): StripeObject[] {
  return isList(subscription.items) ? subscription.items.data : [];
}

function hasStatus(subscription: StripeObject, status: unknown): boolean {
  if (status === 'all') return true;
  if (status === 'ended') return ['canceled', 'incomplete_expired'].includes(subscription.status);
  return subscription.status === status;
}
