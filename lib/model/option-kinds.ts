/** What an option takes: in words, as they follow "must be", and how to tell. */
export interface OptionKind {
  readonly takes: string;
  fits(value: unknown): boolean;
}

/** One kind for each option of a type. With `satisfies`, the compiler finds those that are missing or too many. */
export type OptionKinds<Options> = Readonly<Record<keyof Options, OptionKind>>;

/** Timers wrap around beyond 31 bits. */
const MOST = 2 ** 31 - 1;

export const aBoolean: OptionKind = { takes: 'true or false', fits: (value) => typeof value === 'boolean' };
export const aFunction: OptionKind = { takes: 'a function', fits: (value) => typeof value === 'function' };
export const anArray: OptionKind = { takes: 'an array', fits: (value) => Array.isArray(value) };
export const anObject: OptionKind = { takes: 'an object', fits: isRecord };
export const aDate: OptionKind = { takes: 'a valid Date', fits: isValidDate };
/** For what is looked at elsewhere. */
export const anything: OptionKind = { takes: 'anything', fits: () => true };

export const aPositiveNumber: OptionKind = {
  takes: 'a number above 0',
  fits: (value) => Number.isFinite(value) && (value as number) > 0,
};

export const aTimeout: OptionKind = {
  takes: `a number above 0, at most ${MOST}`,
  fits: (value) => aPositiveNumber.fits(value) && (value as number) <= MOST,
};

export function aWholeNumber(least: number, most = MOST): OptionKind {
  const fits = (value: unknown) =>
    Number.isInteger(value) && (value as number) >= least && (value as number) <= most;
  return { takes: `a whole number from ${least} to ${most}`, fits };
}

export const aShare: OptionKind = {
  takes: 'a number from 0 to 1',
  fits: (value) => typeof value === 'number' && value >= 0 && value <= 1,
};

export function aText(longest: number): OptionKind {
  const fits = (value: unknown) => typeof value === 'string' && value !== '' && value.length <= longest;
  return { takes: `a text of 1 to ${longest} characters`, fits };
}

export function oneOf(...values: readonly string[]): OptionKind {
  const takes = values.map((value) => `'${value}'`).join(' or ');
  return { takes, fits: (value) => values.includes(value as string) };
}

export function either(...kinds: readonly OptionKind[]): OptionKind {
  const takes = kinds.map((kind) => kind.takes).join(' or ');
  return { takes, fits: (value) => kinds.some((kind) => kind.fits(value)) };
}

/** Something with names and values: no array or Map, in which the names would be overlooked, and no class or function. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !(Symbol.iterator in value);
}

function isValidDate(value: unknown): boolean {
  return value instanceof Date && !Number.isNaN(value.getTime());
}
