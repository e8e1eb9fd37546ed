import { STRIPE_PATHS } from './stripe.paths.js';
import type { StripeResourceName } from './stripe.resources.js';

/** Where one record is read. `template` names no record, and so may stand in messages. */
export interface StripePath {
  readonly path: string;
  readonly template: string;
  /** The `id` that the answer must carry; `null`: it has none. */
  readonly ownId: string | null;
}

/** Whether Stripe's API can be asked for records of this resource. */
export function isFetchable(resource: string): resource is StripeResourceName {
  return Object.hasOwn(STRIPE_PATHS, resource);
}

/**
 * The id of the record that an object of Stripe's stands for: its own id; with its parent's before it where the API
 * asks for both (`cus_1/txi_2`, `acct_1/card_payments`); the parent's where it has none itself (a customer's cash
 * balance); the resource's name where an account has only one (`balance`). `null`: it stands for no record.
 */
export function recordIdOf(resource: string, object: Readonly<Record<string, unknown>>): string | null {
  const id = idIn(object.id);
  if (!isFetchable(resource)) return id;
  // A preview has such an id, but is no invoice that could be read (SDK, Invoices.d.ts).
  if (resource === 'invoice' && id?.startsWith('upcoming_in')) return null;
  for (const template of STRIPE_PATHS[resource]) {
    const ids = fieldsOf(template).map((field) => idIn(object[field]));
    if (!ids.includes(null)) return ids.join('/') || resource;
  }
  return null;
}

/** The id of the record that a path of the API leads to (a thin event's `related_object.url`); `null`: to none. */
export function recordIdIn(resource: string, url: string): string | null {
  if (!isFetchable(resource)) return null;
  for (const template of STRIPE_PATHS[resource]) {
    const match = new RegExp(`^${template.replace(/\{\w+\}/g, '([^/?]+)')}$`).exec(url);
    if (match) return match.slice(1).map(decoded).join('/') || resource;
  }
  return null;
}

/** Where the record with this id is read; `null` if it cannot be, or the id is none of this resource. */
export function pathOf(resource: string, recordId: string): StripePath | null {
  if (!isFetchable(resource)) return null;
  for (const template of STRIPE_PATHS[resource]) {
    const fields = fieldsOf(template);
    const ids = split(recordId, resource, fields);
    if (ids && ids.every(isSegment)) {
      const path = fields.reduce(
        (to, field, i) => to.replace(`{${field}}`, encodeURIComponent(ids[i]!)),
        template,
      );
      return { path, template, ownId: fields.includes('id') ? ids.at(-1)! : null };
    }
  }
  return null;
}

function split(recordId: string, resource: string, fields: readonly string[]): string[] | null {
  if (fields.length === 0) return recordId === resource ? [] : null;
  if (fields.length === 1) return [recordId];
  // The last one: what a host may choose itself (a customer's id once, a coupon's) is never the nested part.
  const slash = recordId.lastIndexOf('/');
  const parent = recordId.slice(0, Math.max(slash, 0));
  // A bank account or card is a customer's or an account's, and only the parent's id tells.
  const isAccount = parent.startsWith('acct_');
  const isOther = (fields[0] === 'account' && !isAccount) || (fields[0] === 'customer' && isAccount);
  return parent === '' || isOther ? null : [parent, recordId.slice(slash + 1)];
}

/** Guards the path: an empty segment would ask for the list, dots for another resource. */
function isSegment(id: string): boolean {
  if (id === '' || id === '.' || id === '..') return false;
  try {
    encodeURIComponent(id);
    return true;
  } catch {
    return false; // A lone surrogate.
  }
}

/** By template: the fields that its placeholders name, in their order. */
const FIELDS: ReadonlyMap<string, readonly string[]> = new Map(
  Object.values(STRIPE_PATHS)
    .flat()
    .map((template) => [template, [...template.matchAll(/\{(\w+)\}/g)].map((match) => match[1]!)]),
);

function fieldsOf(template: string): readonly string[] {
  return FIELDS.get(template)!;
}

/** The id in a field that holds an id or, expanded, the object. */
function idIn(value: unknown): string | null {
  const id = typeof value === 'object' && value !== null && 'id' in value ? value.id : value;
  return typeof id === 'string' && id !== '' ? id : null;
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
