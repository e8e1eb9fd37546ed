/** The SDK's exact numbers: text in every webhook and record. */
interface Decimal {
  isZero(): boolean;
  toJSON(): string;
}

/** An object of Stripe's with as many of its fields as the test cares for, at any depth. Decimals are text. */
export type PartialOf<T> = T extends string | number | boolean | null | undefined
  ? T
  : T extends Decimal
    ? string
    : T extends readonly (infer Item)[]
      ? PartialOf<Item>[]
      : { [Field in keyof T]?: PartialOf<T[Field]> };
