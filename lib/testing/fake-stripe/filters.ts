import { badParameter, unknownParameter } from './api-error.js';
import type { Filter, Resource } from './resource.js';
import { isPlainObject } from './stripe-object.js';
import type { StripeObject, StripeParams } from './stripe-object.js';

const BOUNDS = ['gt', 'gte', 'lt', 'lte'];
const PAGING = ['limit', 'starting_after', 'ending_before', 'expand'];

/** Filters that compare fields of the same name. Of several values one must fit; of a hash, every key. */
export function equal(...fields: string[]): Record<string, Filter> {
  return Object.fromEntries(
    fields.map((field) => [field, (object: StripeObject, value: unknown) => fits(object[field], value)]),
  );
}

function fits(actual: unknown, wanted: unknown): boolean {
  if (Array.isArray(wanted)) return wanted.some((one) => fits(actual, one));
  if (isPlainObject(wanted)) {
    return isPlainObject(actual) && Object.entries(wanted).every(([key, value]) => fits(actual[key], value));
  }
  return String(actual) === String(wanted);
}

/** Filters on a time: a number of seconds, or a hash of `gt`, `gte`, `lt`, `lte`. */
export function range(...fields: string[]): Record<string, Filter> {
  const within = (field: string): Filter => {
    return (object, value) => {
      const { since, before } = bounds(field, value);
      const at: unknown = object[field];
      return typeof at === 'number' && at >= (since ?? -Infinity) && at < (before ?? Infinity);
    };
  };
  return Object.fromEntries(fields.map((field) => [field, within(field)]));
}

/**
 * A range parameter as [`since`, `before`), in whole seconds.
 * @throws StripeApiError 400 for a bound that Stripe does not have.
 */
export function bounds(param: string, value: unknown): { since?: number; before?: number } {
  if (value === undefined) return {};
  if (!isPlainObject(value)) {
    const at = seconds(param, value);
    return { since: at, before: at + 1 };
  }
  const unknown = Object.keys(value).find((bound) => !BOUNDS.includes(bound));
  if (unknown) throw unknownParameter(`${param}[${unknown}]`);
  const read = (bound: string, shift: number): number[] =>
    value[bound] === undefined ? [] : [seconds(`${param}[${bound}]`, value[bound]) + shift];
  const [since, before] = [
    [...read('gte', 0), ...read('gt', 1)],
    [...read('lt', 0), ...read('lte', 1)],
  ];
  return {
    since: since.length ? Math.max(...since) : undefined,
    before: before.length ? Math.min(...before) : undefined,
  };
}

function seconds(param: string, value: unknown): number {
  const number = Number(value);
  if (Number.isInteger(number)) return number;
  throw badParameter('parameter_invalid_integer', param, `Invalid integer: ${String(value)}`);
}

/**
 * One test for all parameters of a list.
 * @throws StripeApiError 400 for a parameter that this list does not have, `created` included, or one that it needs.
 */
export function matcher(resource: Resource, params: StripeParams): (object: StripeObject) => boolean {
  resource.checks?.(params);
  const missing = resource.requires?.list?.find((param) => params[param] === undefined);
  if (missing) throw badParameter('parameter_missing', missing, `Missing required param: ${missing}.`);
  const tests = Object.entries(params)
    .filter(([param]) => !PAGING.includes(param) && !(param === 'created' && resource.byCreated !== false))
    .map(([param, value]) => [filterOf(resource, param), value] as const);
  const { omits } = resource;
  return (object) => !omits?.(object, params) && tests.every(([test, value]) => test(object, value));
}

/** The test for a list that only pages. @throws StripeApiError 400 for any other parameter. */
export function pagingOnly(params: StripeParams): () => boolean {
  const unknown = Object.keys(params).find((param) => !PAGING.includes(param));
  if (unknown) throw unknownParameter(unknown);
  return () => true;
}

function filterOf(resource: Resource, param: string): Filter {
  const { filters = {} } = resource;
  const known = filters === 'any' ? equal(param) : filters;
  const filter = Object.hasOwn(known, param) ? known[param] : undefined;
  if (!filter) throw unknownParameter(param);
  return filter;
}
