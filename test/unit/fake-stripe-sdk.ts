import Stripe from 'stripe';
import type { FakeStripe } from 'nestjs-hybrid-sync/testing';

/** The real SDK, talking to a fake. */
export function sdkFor(fake: FakeStripe, apiKey = fake.apiKey): Stripe {
  return new Stripe(apiKey, { ...fake.connection, maxNetworkRetries: 0, telemetry: false });
}

/** The error that the SDK makes of an answer. */
export async function errorOf(call: Promise<unknown>): Promise<Stripe.errors.StripeError> {
  const error: unknown = await call.then(
    () => new Error('it succeeded'),
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(Stripe.errors.StripeError);
  return error as Stripe.errors.StripeError;
}
