import type { StripeResourceName } from './stripe.resources.js';

/** A Stripe record that must be there first. An expanded object stands for its id; none for nothing. */
export type StripeRequirement = readonly [
  resource: StripeResourceName,
  id: string | { id: string } | null | undefined,
];

/** A handler's options with what is Stripe's own. `T`: the record's type. */
export type StripeHandlerOptions<Options, T> = Omit<Options, 'requires'> & {
  /** The source's name, where the application has several Stripe sources. @default the only one */
  source?: string;
  /** Records that must be fetched and handled before this one: `(invoice) => [['customer', invoice.customer]]`. */
  requires?: (record: T) => readonly StripeRequirement[];
};

/** Decorates methods that can be called with these parameters; fewer are fine. */
export type TypedMethodDecorator<Parameters extends unknown[]> = <
  Method extends (...parameters: Parameters) => unknown,
>(
  target: object,
  key: string | symbol,
  descriptor: TypedPropertyDescriptor<Method>,
) => void;
