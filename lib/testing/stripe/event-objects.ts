import type { StripeEventType } from '../../connectors/stripe/index.js';

/**
 * What an event is about, where its type's name does not say it: mostly `invoice.paid` is about an `invoice`. Of
 * several kinds the most usual.
 */
const OBJECTS = {
  'account.application': 'application',
  'account.external_account': 'bank_account',
  'application_fee.refund': 'fee_refund',
  'billing.alert': 'billing.alert_triggered',
  'charge.dispute': 'dispute',
  'charge.refund': 'refund',
  'customer.discount': 'discount',
  'customer.source': 'card',
  'customer.subscription': 'subscription',
  'customer.tax_id': 'tax_id',
  issuing_authorization: 'issuing.authorization',
  issuing_card: 'issuing.card',
  issuing_cardholder: 'issuing.cardholder',
  issuing_dispute: 'issuing.dispute',
  issuing_personalization_design: 'issuing.personalization_design',
  issuing_token: 'issuing.token',
  issuing_transaction: 'issuing.transaction',
  'sigma.scheduled_query_run': 'scheduled_query_run',
  'source.mandate_notification': 'source_mandate_notification',
  'source.transaction': 'source_transaction',
} as const;

type Objects = typeof OBJECTS;

/** The `object` of what events of this type are about. */
export type StripeObjectTypeOf<T extends string> = T extends keyof Objects
  ? Objects[T]
  : WithoutLast<T> extends keyof Objects
    ? Objects[WithoutLast<T>]
    : WithoutLast<T>;

type WithoutLast<T extends string> = T extends `${infer Head}.${infer Tail}`
  ? Tail extends `${string}.${string}`
    ? `${Head}.${WithoutLast<Tail>}`
    : Head
  : never;

/** The `object` of what events of this type are about: `subscription` of `customer.subscription.updated`. */
export function objectTypeOf<T extends StripeEventType>(type: T): StripeObjectTypeOf<T> {
  const objects: Readonly<Record<string, string>> = OBJECTS;
  const withoutLast = type.slice(0, type.lastIndexOf('.'));
  return (objects[type] ?? objects[withoutLast] ?? withoutLast) as StripeObjectTypeOf<T>;
}
