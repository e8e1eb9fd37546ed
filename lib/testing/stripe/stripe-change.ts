import type { StripeResource, StripeResourceName } from '../../connectors/stripe/index.js';
import type { ChangeKind, SyncChange } from '../../model/change.js';
import { syncChange } from '../handler/sync-change.js';
import type { PartialOf } from './partial.js';
import { stripeRecord, type StripeRecordParts } from './stripe-record.js';

/** What of a change is not as usual. `kind`: `created`, or `updated` from version 2 on, unless given. */
export interface StripeChangeParts extends StripeRecordParts {
  kind?: ChangeKind;
}

/**
 * A change to call a handler with: `stripeChange('invoice', { id: 'in_1', status: 'paid' })`. It is a
 * `SyncChange<Stripe.Invoice>`; with `{ kind: 'deleted' }` its data is null.
 *
 * @param object the fields that matter; the others are those of a new object of this kind
 */
export function stripeChange<R extends StripeResourceName>(
  resource: R,
  object?: PartialOf<StripeResource<R>>,
  { kind, ...parts }: StripeChangeParts = {},
): SyncChange<StripeResource<R>> {
  return syncChange(stripeRecord(resource, object, parts), kind);
}
