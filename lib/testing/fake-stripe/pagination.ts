import { badParameter, noSuchParameterObject } from './api-error.js';
import type { Shelf, View } from './shelf.js';
import type { StripeList, StripeObject, StripeParams } from './stripe-object.js';

const DEFAULT_LIMIT = 10;
const MAX_LIMIT = 100;

/** Something that can be paged. Place 0 is the first row of the list. */
export interface Rows {
  /** What the objects are called in an error. */
  readonly type: string;
  readonly length: number;
  /** The object at a place, or nothing where it is gone, hidden or filtered out. */
  at(place: number): StripeObject | null | undefined;
  /** The place of an id, which may be just outside the rows; `null` if there is no such object. */
  indexOf(id: string): number | null;
}

/** The rows of an embedded list, in its own order. */
export function rowsOfArray(type: string, data: readonly StripeObject[]): Rows {
  return {
    type,
    length: data.length,
    at: (place) => data[place],
    indexOf: (id) => {
      const at = data.findIndex((row) => row.id === id);
      return at === -1 ? null : at;
    },
  };
}

/**
 * The rows of a shelf, newest first, cut to those created in [`since`, `before`) (seconds).
 *
 * An id that was deleted is no place to go on from. That is assumed, not documented: it is the harder case for a walker.
 */
export function rowsOfShelf(
  type: string,
  shelf: Shelf,
  options: {
    view: View;
    since?: number;
    before?: number;
    /** What was created earlier is no longer there, not even as a cursor. */
    oldest?: number;
    match: (object: StripeObject) => boolean;
  },
): Rows {
  const { oldest = -Infinity } = options;
  const from = shelf.firstSince(Math.max(oldest, options.since ?? -Infinity));
  const to = options.before === undefined ? shelf.length : shelf.firstSince(options.before);
  const length = Math.max(0, to - from);
  return {
    type,
    length,
    at: (place) => {
      const object = shelf.at(to - 1 - place, options.view);
      return object && options.match(object) ? object : null;
    },
    indexOf: (id) => {
      const cursor = shelf.read(id, options.view);
      if (!cursor || cursor.created < oldest) return null;
      // A cursor outside the window stands before its first or behind its last row.
      return Math.min(Math.max(to - 1 - shelf.indexOf(id), -1), length);
    },
  };
}

/**
 * One page: `limit` rows after `starting_after`, or the `limit` rows just before `ending_before`, in list order either way.
 * @throws StripeApiError 400 for a limit outside 1..100, both cursors, or a cursor that names nothing.
 */
export function page(rows: Rows, url: string, params: StripeParams): StripeList {
  const limit = readLimit(params.limit);
  const [after, before] = [params.starting_after, params.ending_before];
  if (after !== undefined && before !== undefined) {
    throw badParameter(
      'parameter_invalid',
      'ending_before',
      'Pass starting_after or ending_before, not both.',
    );
  }
  const data =
    before === undefined
      ? take(rows, after === undefined ? 0 : place(rows, after, 'starting_after') + 1, 1, limit)
      : take(rows, place(rows, before, 'ending_before') - 1, -1, limit).reverse();
  const hasMore = data.length > limit;
  if (hasMore) data.splice(before === undefined ? limit : 0, 1);
  return { object: 'list', data, has_more: hasMore, url };
}

/** Up to one row more than `limit`, which tells whether there is another page. */
function take(rows: Rows, from: number, step: 1 | -1, limit: number): StripeObject[] {
  const data: StripeObject[] = [];
  for (let at = from; at >= 0 && at < rows.length && data.length <= limit; at += step) {
    const row = rows.at(at);
    if (row) data.push(row);
  }
  return data;
}

function place(rows: Rows, cursor: unknown, param: string): number {
  const at = rows.indexOf(String(cursor));
  if (at === null) throw noSuchParameterObject(rows.type, String(cursor), param);
  return at;
}

function readLimit(limit: unknown): number {
  if (limit === undefined) return DEFAULT_LIMIT;
  const number = Number(limit);
  if (!Number.isInteger(number) || number < 1 || number > MAX_LIMIT) {
    throw badParameter('parameter_invalid_integer', 'limit', `limit must be from 1 to ${MAX_LIMIT}.`);
  }
  return number;
}
