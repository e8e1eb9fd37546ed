import type { StripeEventOf, StripeEventType } from '../../connectors/stripe/index.js';
import { parseEvent } from '../../connectors/stripe/stripe.event.js';
import type { SyncEvent } from '../../model/event.js';
import { DEFAULT_CONNECTION } from '../../model/record.js';
import { buildEvent } from '../fake-stripe/event-log.js';
import { eventId, syncEvent } from '../handler/sync-event.js';
import { completed } from './completed.js';
import { objectTypeOf } from './event-objects.js';
import type { PartialOf } from './partial.js';

/** What an event of this type is about: `Stripe.Invoice`. */
type ObjectOf<T extends StripeEventType> = StripeEventOf<T>['data']['object'];

/** What of a Stripe event is not as usual. */
export interface StripeEventParts<T extends StripeEventType = StripeEventType> {
  /** @default one that no other event has */
  id?: string;
  /** Stripe dates to the second. @default now */
  occurredAt?: Date;
  /** The connected account whose event it is; its connection then. @default the platform's own */
  account?: string;
  /** The old values of what has changed, for an event of the kind `*.updated`. */
  previousAttributes?: PartialOf<ObjectOf<T>>;
  /** @default 'stripe' */
  source?: string;
  /** @default 'webhook' */
  origin?: SyncEvent['origin'];
  /** @default false */
  late?: boolean;
  /** @default false */
  replayed?: boolean;
}

/**
 * An event to call a handler with, or to deliver: `stripeEvent('invoice.payment_failed', { id: 'in_1' })` is a
 * `SyncEvent<Stripe.InvoicePaymentFailedEvent>`, its payload what Stripe would send. A misspelt type does not compile.
 *
 * @param object the fields that matter; the others are those of a new object of this kind. Where a type is about
 * objects of several kinds, its `object` says which: `stripeEvent('customer.source.created', { object: 'source' })`
 */
export function stripeEvent<T extends StripeEventType>(
  type: T,
  object: PartialOf<ObjectOf<T>> = {} as PartialOf<ObjectOf<T>>,
  parts: StripeEventParts<T> = {},
): SyncEvent<StripeEventOf<T>> {
  const { id = eventId(), occurredAt = new Date(), account = null, source = 'stripe', ...others } = parts;
  const { object: kind = objectTypeOf(type) } = object as { object?: string };
  const { previousAttributes = null, ...shown } = others;
  const payload = buildEvent({
    id,
    type,
    created: Math.floor(occurredAt.getTime() / 1000),
    account,
    object: completed(kind, object),
    previous: previousAttributes,
    request: { id: null, idempotency_key: null },
    pending: 1,
  });
  // As the module itself would read it.
  const body = Buffer.from(JSON.stringify(payload));
  const read = parseEvent({ body, connectionId: DEFAULT_CONNECTION }, true);
  const { connectionId, occurredAt: readAt } = read;
  const heading = { id, source, connectionId, occurredAt: readAt, ...shown };
  return syncEvent(type, payload as unknown as StripeEventOf<T>, heading);
}
