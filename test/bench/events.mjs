import { FakeStripe } from 'nestjs-hybrid-sync/testing';

/** In the order in which they are compared. */
export const BASE_62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** The second that Stripe's ids count from, as far as their digits tell. */
export const ID_EPOCH_S = 1_342_389_380;

/** What ids of Stripe begin with that are made now, behind their type: five digits that are the second. */
export function idStart() {
  let digits = '';
  let rest = Math.floor(Date.now() / 1_000) - ID_EPOCH_S;
  for (let i = 0; i < 5; i++) {
    digits = BASE_62[rest % 62] + digits;
    rest = Math.floor(rest / 62);
  }
  return `1${digits}`;
}

/**
 * Two invoice events as Stripe sends them, one with a line and one without, as text: 2.7 KB on average. Their event and
 * invoice ids stand for those of any number of other events.
 */
export async function eventTemplates() {
  const stripe = await FakeStripe.start();
  try {
    const customer = stripe.create('customer', { email: 'ada@example.com', name: 'Ada Lovelace' });
    const product = stripe.create('product', { name: 'Gold' });
    const price = stripe.create('price', {
      product: product.id,
      currency: 'usd',
      unit_amount: 2_500,
      recurring: { interval: 'month' },
    });
    const { invoice } = stripe.createSubscription({ customer: customer.id, price: price.id });
    const bare = stripe.create('invoice', { customer: customer.id });
    return [invoice, bare].map(({ id }) => {
      const event = stripe.emit('invoice.paid', 'invoice', id);
      return { text: JSON.stringify(event), eventId: event.id, invoiceId: id };
    });
  } finally {
    await stripe.close();
  }
}
