import { eventResource } from './event-log.js';
import type { Resource, SubList } from './resource.js';
import { billingResources } from './resources/billing.js';
import { catalogResources } from './resources/catalog.js';
import { customerResources } from './resources/customers.js';
import { documentResources } from './resources/documents.js';
import { invoicingResources } from './resources/invoicing.js';
import { moneyResources } from './resources/money.js';
import { otherResources, plainResource } from './resources/others.js';
import { paymentResources } from './resources/payments.js';

const KNOWN: Resource[] = [
  ...customerResources,
  ...catalogResources,
  ...billingResources,
  ...invoicingResources,
  ...paymentResources,
  ...moneyResources,
  ...documentResources,
  ...otherResources,
  eventResource,
];

/** Where a path leads. */
export type Place =
  | { kind: 'collection'; resource: Resource }
  | { kind: 'object'; resource: Resource; id: string }
  | { kind: 'action'; resource: Resource; id: string; action: string }
  | { kind: 'sub-list'; resource: Resource; id: string; list: SubList }
  | { kind: 'sub-object'; resource: Resource; id: string; list: SubList; childId: string };

/** Where a path of this kind leads. */
export type PlaceOf<K extends Place['kind']> = Extract<Place, { kind: K }>;

/** Finds a resource by type or path. A type that is not known gets a path by Stripe's habit when it is first used. */
export class ResourceTable {
  private readonly byType = new Map<string, Resource>();
  private readonly byPath = new Map<string, Resource>();

  constructor() {
    KNOWN.forEach((resource) => this.add(resource));
  }

  /** The resource of an `object` field; `issuing.token` becomes `/v1/issuing/tokens`. */
  ofType(type: string): Resource {
    return (
      this.byType.get(type) ?? this.add(plainResource(type, pathOf(type), `${type.split('.').at(-1)}_`, true))
    );
  }

  /** What a path (`/v1/invoices/in_1/lines`) means; `null` if the API has no such path. */
  find(path: string): Place | null {
    const [root, ...names] = path.split('/').filter(Boolean).map(decode);
    if (root !== 'v1') return null;
    for (const length of [3, 2, 1]) {
      const resource = this.byPath.get(names.slice(0, length).join('/'));
      if (resource) return placeIn(resource, names.slice(length));
    }
    return null;
  }

  private add(resource: Resource): Resource {
    [resource.type, ...(resource.aliases ?? [])].forEach((type) => this.byType.set(type, resource));
    if (resource.path) this.byPath.set(resource.path, resource);
    return resource;
  }
}

function placeIn(resource: Resource, names: string[]): Place | null {
  const [id, name, childId] = names;
  if (names.length > 3) return null;
  if (id === undefined) return { kind: 'collection', resource };
  if (name === undefined) return { kind: 'object', resource, id };
  const list = resource.lists?.find((sub) => sub.segment === name);
  if (childId === undefined) {
    return list ? { kind: 'sub-list', resource, id, list } : { kind: 'action', resource, id, action: name };
  }
  return list ? { kind: 'sub-object', resource, id, list, childId } : null;
}

function pathOf(type: string): string {
  const path = type.replaceAll('.', '/');
  if (/[^aeiou]y$/.test(path)) return `${path.slice(0, -1)}ies`;
  return /(s|x|ch)$/.test(path) ? `${path}es` : `${path}s`;
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
