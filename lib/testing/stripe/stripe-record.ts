import type { StripeResource, StripeResourceName } from '../../connectors/stripe/index.js';
import { recordIdOf } from '../../connectors/stripe/stripe.record-id.js';
import type { HydratedRecord } from '../../model/record.js';
import { syncRecord, type RecordParts } from '../handler/sync-record.js';
import { completed } from './completed.js';
import type { PartialOf } from './partial.js';

/** What of a Stripe record is not as usual: its source is `stripe`, its connection `default`, its version 1. */
export type StripeRecordParts = Pick<RecordParts, 'source' | 'connectionId' | 'version'>;

/**
 * A record as `context.record` shows it: `syncContext({ record: stripeRecord('invoice', { status: 'open' }) })`.
 *
 * @param object the fields that matter; the others are those of a new object of this kind
 * @throws TypeError if its id needs a parent's that is not given: `stripeRecord('person', { account: 'acct_1' })`
 */
export function stripeRecord<R extends StripeResourceName>(
  resource: R,
  object: PartialOf<StripeResource<R>> = {} as PartialOf<StripeResource<R>>,
  parts: StripeRecordParts = {},
): HydratedRecord<StripeResource<R>> {
  const data = completed(resource, object);
  const id = recordIdOf(resource, data);
  if (id === null)
    throw new TypeError(
      `a ${resource} is read by its parent's id too, and has none: give it as Stripe does, { account: 'acct_1' } say`,
    );
  return syncRecord({ source: 'stripe', ...parts, resource, id, data: data as StripeResource<R> });
}
