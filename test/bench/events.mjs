import { FakeStripe } from 'nestjs-hybrid-sync/testing';

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
