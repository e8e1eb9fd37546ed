import type Stripe from 'stripe';
import { FakeStripe, type StripeObject } from 'nestjs-hybrid-sync/testing';
import { errorOf, sdkFor } from './fake-stripe-sdk.js';

let fake: FakeStripe;
let sdk: Stripe;
let customer: string;
let price: string;

beforeEach(async () => {
  fake = await FakeStripe.start({ now: () => new Date('2030-01-31T00:00:00Z') });
  sdk = sdkFor(fake);
  customer = fake.create('customer', { email: 'a@example.com', name: 'Ada' }).id;
  const product = fake.create('product', { name: 'Plan' });
  const recurring = { interval: 'month' };
  price = fake.create('price', { product: product.id, unit_amount: 1_500, currency: 'eur', recurring }).id;
  newTypes();
});
afterEach(() => fake.close());

let seen = 0;

/** The types of the events since the last call. */
function newTypes(): string[] {
  const types = fake.all('event').map((event) => String(event.type));
  const fresh = types.slice(seen);
  seen = types.length;
  return fresh;
}
beforeEach(() => (seen = fake.all('event').length));

const PAID = [
  'charge.succeeded',
  'payment_intent.succeeded',
  'invoice_payment.paid',
  'invoice.updated',
  'invoice.paid',
  'invoice.payment_succeeded',
];
const BILLED = ['invoice.created', 'invoice.finalized', 'payment_intent.created'];
const FAILED = [
  'charge.failed',
  'payment_intent.payment_failed',
  'invoice.updated',
  'invoice.payment_failed',
];
const UPDATED = 'customer.subscription.updated';

describe('a subscription', () => {
  it('is created incomplete, invoiced, paid, and active', async () => {
    const { subscription, invoice } = fake.createSubscription({ customer, price, quantity: 2 });
    expect(newTypes()).toEqual(['customer.subscription.created', ...BILLED, ...PAID, UPDATED]);
    expect(subscription).toMatchObject({ status: 'active', customer, latest_invoice: invoice?.id });
    const read = await sdk.subscriptions.retrieve(subscription.id);
    const end = Date.UTC(2030, 2, 3) / 1_000;
    expect(read.items.data).toMatchObject([{ quantity: 2, current_period_end: end, price: { id: price } }]);
    expect(read).not.toHaveProperty('current_period_end');
    const billed = await sdk.invoices.retrieve(invoice!.id, { expand: ['payments', 'customer'] });
    expect(billed).toMatchObject({
      status: 'paid',
      total: 3_000,
      amount_paid: 3_000,
      amount_remaining: 0,
      currency: 'eur',
      customer_email: 'a@example.com',
      billing_reason: 'subscription_create',
      parent: { subscription_details: { subscription: subscription.id } },
      customer: { id: customer },
      payments: { data: [{ status: 'paid', amount_paid: 3_000 }] },
    });
    expect(billed).not.toHaveProperty('subscription');
    expect((await sdk.invoices.list({ subscription: subscription.id })).data).toHaveLength(1);
    const [charge] = (await sdk.charges.list({ customer })).data;
    expect(charge).toMatchObject({ amount: 3_000, paid: true, status: 'succeeded' });
  });

  it('stays incomplete when its first payment fails, or is not made', () => {
    const failed = fake.createSubscription({ customer, price, payment: 'fails' });
    expect(newTypes()).toEqual(['customer.subscription.created', ...BILLED, ...FAILED]);
    expect([failed.subscription.status, failed.invoice?.status]).toEqual(['incomplete', 'open']);
    const pending = fake.createSubscription({ customer, price, payment: 'pending' });
    expect(newTypes()).toEqual(['customer.subscription.created', ...BILLED]);
    fake.payInvoice(pending.invoice!.id);
    expect(newTypes()).toEqual([...PAID, UPDATED]);
    expect(fake.get('subscription', pending.subscription.id)?.status).toBe('active');
  });

  it('on trial has no invoice until it is renewed', () => {
    const { subscription, invoice } = fake.createSubscription({ customer, price, trialDays: 7 });
    expect([subscription.status, invoice]).toEqual(['trialing', null]);
    expect(subscription.items.data[0].current_period_end).toBe(subscription.trial_end);
    expect(newTypes()).toEqual(['customer.subscription.created']);
    expect(fake.renewSubscription(subscription.id).subscription.status).toBe('active');
    expect(newTypes()).toEqual([UPDATED, ...BILLED, ...PAID]);
  });

  it('is past due when a renewal is not paid, and active again once it is', () => {
    const { subscription } = fake.createSubscription({ customer, price });
    newTypes();
    const renewed = fake.renewSubscription(subscription.id, { payment: 'fails' });
    expect(newTypes()).toEqual([UPDATED, ...BILLED, ...FAILED, UPDATED]);
    expect(renewed.subscription.status).toBe('past_due');
    const [item] = renewed.subscription.items.data;
    expect(item.current_period_start).toBe(subscription.items.data[0].current_period_end);
    expect(renewed.invoice).toMatchObject({ billing_reason: 'subscription_cycle', attempt_count: 1 });
    fake.payInvoice(renewed.invoice.id);
    expect(newTypes()).toEqual([...PAID, UPDATED]);
  });

  it('ends now, with its period, or with its customer', async () => {
    const [now, later, last] = [1, 2, 3].map(() => fake.createSubscription({ customer, price }).subscription);
    newTypes();
    expect(fake.cancelSubscription(later!.id, { atPeriodEnd: true })).toMatchObject({
      status: 'active',
      cancel_at_period_end: true,
    });
    expect(await sdk.subscriptions.cancel(now!.id)).toMatchObject({ status: 'canceled' });
    expect(newTypes()).toEqual([UPDATED, 'customer.subscription.deleted']);
    expect((await errorOf(sdk.subscriptions.cancel(now!.id))).statusCode).toBe(404);
    fake.delete('customer', customer);
    expect(newTypes()).toEqual([
      'customer.subscription.deleted',
      'customer.subscription.deleted',
      'customer.deleted',
    ]);
    expect(fake.get('subscription', last!.id)?.status).toBe('canceled');
  });

  it('can be made and changed through the API, item by item', async () => {
    const created = await sdk.subscriptions.create({ customer, items: [{ price }, { price, quantity: 3 }] });
    expect(created).toMatchObject({ status: 'active', items: { data: [{ quantity: 1 }, { quantity: 3 }] } });
    const [first, second] = created.items.data as [Stripe.SubscriptionItem, Stripe.SubscriptionItem];
    expect(await sdk.subscriptionItems.update(first.id, { quantity: 5 })).toMatchObject({ quantity: 5 });
    expect(await sdk.subscriptionItems.del(second.id)).toMatchObject({ deleted: true });
    const third = await sdk.subscriptionItems.create({ subscription: created.id, price });
    expect((await sdk.subscriptionItems.list({ subscription: created.id })).data).toMatchObject([
      { id: first.id, quantity: 5 },
      { id: third.id, quantity: 1 },
    ]);
    expect(await sdk.subscriptionItems.retrieve(third.id)).toEqual(third);
    expect((await errorOf(sdk.subscriptionItems.retrieve(second.id))).statusCode).toBe(404);
    fake.update('subscription_item', third.id, { quantity: 9 });
    expect(fake.get('subscription', created.id)?.items.data[1].quantity).toBe(9);
    const updated = fake.all('event').filter(({ type }) => type === UPDATED);
    expect(updated.at(-4)?.data.previous_attributes.items.data[0]).toMatchObject({ quantity: 1 });
    const incomplete = await sdk.subscriptions.create({
      customer,
      items: [{ price }],
      payment_behavior: 'default_incomplete',
    });
    expect(incomplete.status).toBe('incomplete');
  });

  it('needs a customer and a price that exist', () => {
    expect(() => fake.createSubscription({ customer: 'cus_nobody', price })).toThrow('No such customer');
    expect(() => fake.createSubscription({ customer, price: 'price_none' })).toThrow('No such price');
    expect(newTypes()).toEqual([]);
  });
});

describe('an invoice', () => {
  it('grows by invoice items, is finalized, paid and voided through the API', async () => {
    const draft = await sdk.invoices.create({ customer });
    await sdk.invoiceItems.create({ customer, invoice: draft.id, amount: 700, currency: 'usd' });
    await sdk.invoiceItems.create({ customer, invoice: draft.id, amount: 300, currency: 'usd' });
    const open = await sdk.invoices.finalizeInvoice(draft.id);
    expect(open).toMatchObject({ status: 'open', total: 1_000, amount_due: 1_000 });
    expect(open.lines.data).toHaveLength(2);
    expect(open.number).toEqual(expect.any(String));
    expect((await errorOf(sdk.invoices.finalizeInvoice(draft.id))).statusCode).toBe(400);
    expect(await sdk.invoices.pay(draft.id)).toMatchObject({ status: 'paid', attempted: true });

    const other = fake.create('invoice', { customer, lines: [{ amount: 5 }] });
    fake.finalizeInvoice(other.id);
    newTypes();
    expect(await sdk.invoices.voidInvoice(other.id)).toMatchObject({ status: 'void' });
    expect(newTypes()).toEqual(['invoice.updated', 'invoice.voided']);
    expect(() => fake.payInvoice(other.id)).toThrow('void');
  });

  it('about nothing is paid when it is finalized', () => {
    const { id } = fake.create('invoice', { customer });
    newTypes();
    expect(fake.finalizeInvoice(id).status).toBe('paid');
    expect(newTypes()).toEqual(['invoice.finalized', 'invoice.paid', 'invoice.payment_succeeded']);
  });

  it('can be deleted as a draft only, and is 404 then', async () => {
    const [draft, open] = [fake.create('invoice', { customer }), fake.create('invoice', { customer })];
    fake.finalizeInvoice(open.id);
    expect(await sdk.invoices.del(draft.id)).toMatchObject({ id: draft.id, deleted: true });
    expect((await errorOf(sdk.invoices.retrieve(draft.id))).statusCode).toBe(404);
    expect((await errorOf(sdk.invoices.del(open.id))).statusCode).toBe(400);
  });
});

describe('a charge', () => {
  it('shows what was refunded', async () => {
    const charge = fake.create('charge', { amount: 900, customer });
    newTypes();
    await sdk.refunds.create({ charge: charge.id, amount: 400 });
    await sdk.refunds.create({ charge: charge.id });
    expect(newTypes()).toEqual(['refund.created', 'charge.refunded', 'refund.created', 'charge.refunded']);
    expect(await sdk.charges.retrieve(charge.id)).toMatchObject({ amount_refunded: 900, refunded: true });
  });
});

describe('what is told of a change', () => {
  const tell = (type: string, params: object, patch: object): string[] => {
    const { id }: StripeObject = fake.create(type, { ...params });
    fake.update(type, id, { ...patch });
    return newTypes();
  };

  it.each([
    ['payment_intent', {}, { description: 'x' }, ['payment_intent.created']],
    ['payment_intent', {}, { status: 'canceled' }, ['payment_intent.created', 'payment_intent.canceled']],
    ['payout', {}, { status: 'paid' }, ['payout.created', 'payout.paid']],
    ['dispute', {}, { reason: 'fraudulent' }, ['charge.dispute.created', 'charge.dispute.updated']],
    ['checkout.session', {}, { status: 'complete' }, ['checkout.session.completed']],
    ['charge', { status: 'failed' }, { description: 'x' }, ['charge.failed', 'charge.updated']],
    [
      'payment_method',
      { customer: 'cus_1' },
      { metadata: { a: '1' } },
      ['payment_method.attached', 'payment_method.updated'],
    ],
    ['invoiceitem', {}, { amount: 5 }, ['invoiceitem.created']],
    ['issuing.card', {}, { status: 'active' }, ['issuing_card.created', 'issuing_card.updated']],
  ])('%s %j, %j', (type, params, patch, types) => {
    expect(tell(type, params, patch)).toEqual(types);
  });
});
