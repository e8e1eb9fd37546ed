import { badParameter } from './api-error.js';
import { isPlainObject } from './stripe-object.js';
import type { StripeParams } from './stripe-object.js';

/** A field that holds a number wherever Stripe has it. Only text that looks like one is taken for one. */
const NUMBER_FIELD = new RegExp(
  [
    '^amount_|(^|_)(amounts?|balance|quantity|count|percent|percentage|fee|cost|total|subtotal|limit|off',
    'year|months?|days?|hour|minute|second|at|date|start|end|anchor|created|timestamp|g?te?|lte?',
    'by|until|to|score|height|width|length|weight|sequence|maximum|minimum|preset|redemptions|redeemed)$',
  ].join('|'),
);
const NUMBER = /^-?\d{1,15}(\.\d+)?$/;

/**
 * Reads `application/x-www-form-urlencoded` text with brackets (`items[0][price]=…`, `expand[]=…`) into typed parameters.
 *
 * On the wire everything is text. `''` becomes null (Stripe's "unset"), `true` and `false` become booleans, and fields
 * that hold numbers become numbers; metadata stays text.
 * @throws StripeApiError 400 for brackets that do not close.
 */
export function decodeForm(text: string): StripeParams {
  const root: StripeParams = {};
  for (const [key, value] of new URLSearchParams(text)) {
    place(root, splitKey(key), value);
  }
  return typed(root) as StripeParams;
}

function splitKey(key: string): string[] {
  const [, first = '', brackets = ''] = /^([^[\]]+)((?:\[[^[\]]*\])*)$/.exec(key) ?? [];
  const names = [first, ...brackets.slice(1, -1).split('][')].slice(0, brackets === '' ? 1 : undefined);
  // Names like `__proto__` would reach out of the object that is being built.
  if (first === '' || names.some((name) => name in Object.prototype)) {
    throw badParameter('parameter_unknown', key, `Received unknown parameter: ${key}`);
  }
  return names;
}

function place(root: StripeParams, names: string[], value: string): void {
  let at = root;
  names.forEach((given, depth) => {
    const name = given === '' ? String(Object.keys(at).length) : given;
    if (depth === names.length - 1) {
      at[name] = value;
      return;
    }
    if (!isPlainObject(at[name])) at[name] = {};
    at = at[name] as StripeParams;
  });
}

function typed(value: unknown, field = ''): unknown {
  if (field === 'metadata' && isPlainObject(value)) return value;
  if (isPlainObject(value)) {
    const names = Object.keys(value);
    if (names.length > 0 && names.every((name) => /^\d+$/.test(name))) {
      return names.map((name) => typed(value[name], field));
    }
    return Object.fromEntries(names.map((name) => [name, typed(value[name], name)]));
  }
  if (value === '') return null;
  if (value === 'true' || value === 'false') return value === 'true';
  if (NUMBER_FIELD.test(field) && NUMBER.test(String(value))) return Number(value);
  return value;
}
