import { isDeepStrictEqual } from 'node:util';
import { isList, isPlainObject } from './stripe-object.js';
import type { StripeObject, StripeParams } from './stripe-object.js';

/**
 * The object with a change applied; the old one is left as it was.
 *
 * As the API does: hashes are merged, arrays replaced, `undefined` changes nothing; in metadata `''` or null removes
 * a key, and null for all of metadata empties it.
 */
export function patched(before: StripeObject, patch: StripeParams): StripeObject {
  return mergeInto(before, patch) as StripeObject;
}

function mergeInto(before: Record<string, unknown>, patch: StripeParams): Record<string, unknown> {
  const after = { ...before };
  for (const [field, value] of Object.entries(patch)) {
    if (value === undefined) continue;
    const old = before[field];
    if (field === 'metadata') {
      after.metadata = mergeMetadata(old, value);
    } else if (isPlainObject(value) && isPlainObject(old) && !isList(value)) {
      after[field] = mergeInto(old, value);
    } else {
      after[field] = value;
    }
  }
  return after;
}

function mergeMetadata(old: unknown, value: unknown): Record<string, unknown> {
  if (!isPlainObject(value)) return {};
  const merged = { ...(isPlainObject(old) ? old : {}), ...value };
  return Object.fromEntries(Object.entries(merged).filter(([, text]) => text !== '' && text !== null));
}

/**
 * What `data.previous_attributes` of an `*.updated` event holds: the old values of what changed, `null` for a key that was
 * not there, and of a changed hash only the changed keys. Empty when nothing changed.
 */
export function previousAttributes(
  before: Record<string, unknown>,
  after: Record<string, unknown>,
): Record<string, unknown> {
  const previous: Record<string, unknown> = {};
  for (const field of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const [old, now] = [before[field], after[field]];
    if (isDeepStrictEqual(old, now)) continue;
    previous[field] = isPlainObject(old) && isPlainObject(now) ? previousAttributes(old, now) : (old ?? null);
  }
  return previous;
}
