import { badParameter } from './api-error.js';
import { bounds } from './filters.js';
import { page, rowsOfArray, rowsOfShelf } from './pagination.js';
import type { Resource, SubList } from './resource.js';
import type { ResourceTable } from './resource-table.js';
import type { Shelf, View } from './shelf.js';
import { isList, isPlainObject } from './stripe-object.js';
import type { StripeList, StripeObject, StripeParams } from './stripe-object.js';

const MAX_EXPAND_DEPTH = 4;

/** What rendering needs to know of the objects. */
export interface ObjectSource {
  readonly table: ResourceTable;
  shelf(resource: Resource, account: string | null): Shelf;
  findAnywhere(id: string, account: string | null): StripeObject | null;
}

/** A stored object as the API shows it: its lists cut at 10 rows, those that must be asked for left out. */
export function render(
  source: ObjectSource,
  object: StripeObject,
  account: string | null,
  view: View = {},
): StripeObject {
  const { lists } = source.table.ofType(object.object);
  if (!lists) return object;
  const shown: StripeObject = { ...object };
  for (const list of lists) {
    const isThere = list.by !== undefined || isList(object[list.field]);
    if (list.onlyExpanded && !hasOwnRows(object, list)) delete shown[list.field];
    else if (isThere) shown[list.field] = embeddedList(source, object, list, account, view);
  }
  return shown;
}

/** A page of a list that belongs to an object. */
export function subListPage(
  source: ObjectSource,
  parent: StripeObject,
  list: SubList,
  account: string | null,
  request: { view: View; url: string; params: StripeParams; match?: (row: StripeObject) => boolean },
): StripeList {
  const { view, match = () => true } = request;
  const { by } = list;
  if (!by || hasOwnRows(parent, list)) {
    const rows: unknown = parent[list.field];
    return page(rowsOfArray(list.type, isList(rows) ? rows.data : []), request.url, request.params);
  }
  const shelf = source.shelf(source.table.ofType(list.type), account);
  const rows = rowsOfShelf(list.type, shelf, {
    view,
    match: (row) => row[by] === parent.id && match(row),
    ...bounds('created', request.params.created),
  });
  return page(rows, request.url, request.params);
}

/**
 * Replaces ids by objects along the paths of `expand[]`, `data.customer` for instance.
 * @throws StripeApiError 400 for more than four levels, or a path that leads to nothing that could be expanded.
 */
export function expand(
  source: ObjectSource,
  shown: StripeObject | StripeList,
  paths: unknown,
  account: string | null,
): StripeObject | StripeList {
  if (!Array.isArray(paths)) return shown;
  return paths.reduce((value: StripeObject, path) => {
    const names = String(path).split('.');
    if (names.length > MAX_EXPAND_DEPTH) {
      throw badParameter('invalid_expand', 'expand', `At most ${MAX_EXPAND_DEPTH} levels can be expanded.`);
    }
    return expandAlong(source, value, names, account) as StripeObject;
  }, shown);
}

function expandAlong(source: ObjectSource, value: unknown, names: string[], account: string | null): unknown {
  if (Array.isArray(value)) return value.map((row) => expandAlong(source, row, names, account));
  if (typeof value === 'string') {
    const found = source.findAnywhere(value, account);
    return found ? expandAlong(source, render(source, found, account), names, account) : value;
  }
  const [name, ...rest] = names;
  if (name === undefined || !isPlainObject(value)) return value;
  const list = askedList(source, value, name);
  if (list) {
    const whole = source.findAnywhere(String(value.id), account) ?? (value as StripeObject);
    return {
      ...value,
      [name]: expandAlong(source, embeddedList(source, whole, list, account, {}), rest, account),
    };
  }
  if (!(name in value)) throw badParameter('invalid_expand', 'expand', `${name} cannot be expanded.`);
  return { ...value, [name]: expandAlong(source, value[name], rest, account) };
}

/** A parent may have been put together with rows that are no objects of their own here. */
function hasOwnRows(parent: StripeObject, list: SubList): boolean {
  return list.by !== undefined && isList(parent[list.field]);
}

function askedList(source: ObjectSource, value: Record<string, unknown>, field: string): SubList | undefined {
  if (typeof value.object !== 'string' || isList(value)) return undefined;
  return source.table.ofType(value.object).lists?.find((list) => list.field === field && list.onlyExpanded);
}

function embeddedList(
  source: ObjectSource,
  parent: StripeObject,
  list: SubList,
  account: string | null,
  view: View,
): StripeList {
  const { path } = source.table.ofType(parent.object);
  const own: unknown = parent[list.field];
  const url = isList(own) ? own.url : (list.url?.(parent.id) ?? `/v1/${path}/${parent.id}/${list.segment}`);
  return subListPage(source, parent, list, account, { view, url, params: {} });
}
