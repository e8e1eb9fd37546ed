import { randomInt } from 'node:crypto';
import { patched } from '../fake-stripe/patch.js';
import { Random } from '../fake-provider/random.js';
import { singletonOf } from '../fake-stripe/singletons.js';
import { StripeState } from '../fake-stripe/state.js';
import { isPlainObject, type StripeObject, type StripeParams } from '../fake-stripe/stripe-object.js';

/** Ids that no other run makes: a database that has been used before knows those. */
const random = new Random(randomInt(2 ** 32 - 1));

/** An object as `FakeStripe` makes it, so with every field that it has at Stripe, and what is given put over them. */
export function completed(type: string, given: object): StripeObject {
  // As in a webhook: what is undefined is not there, and the SDK's decimals are text.
  const params = JSON.parse(JSON.stringify(given)) as StripeParams;
  const blank = singletonOf(type);
  if (blank) return patched({ object: type, ...blank } as StripeObject, params);
  const state = new StripeState(() => new Date(), random, { listens: () => false, send: () => undefined });
  const { lists = [] } = state.objects.table.ofType(type);
  for (const { field } of lists) {
    const rows = params[field];
    if (isPlainObject(rows) && Array.isArray(rows.data)) params[field] = { object: 'list', ...rows };
  }
  return state.create(type, params, { delivery: 'unlogged' });
}
