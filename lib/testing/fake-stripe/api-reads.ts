import { noSuchObject, noSuchParameterObject, unknownUrl } from './api-error.js';
import type { ApiRequest } from './api-request.js';
import type { Faults } from './faults.js';
import { bounds, matcher, pagingOnly } from './filters.js';
import type { ObjectStore } from './object-store.js';
import { page, rowsOfArray, rowsOfShelf } from './pagination.js';
import type { Rows } from './pagination.js';
import { expand, render, subListPage } from './render.js';
import type { Resource } from './resource.js';
import type { Place, PlaceOf } from './resource-table.js';
import type { View } from './shelf.js';
import type { StripeList, StripeObject, StripeParams } from './stripe-object.js';

/** What GET answers. Stale reads happen here. */
export class ApiReads {
  constructor(
    private readonly objects: ObjectStore,
    private readonly faults: Faults,
    private readonly now: () => Date,
    /** How long events are kept, in seconds. */
    private readonly eventRetention: number,
  ) {}

  /** @throws StripeApiError */
  read(request: ApiRequest, place: Place): StripeObject | StripeList {
    const { account, query } = request.entry;
    return expand(this.objects, this.find(request, place), query.expand, account);
  }

  /** An object below its parent. @throws StripeApiError 404 if either does not exist, or it belongs to another. */
  subObject(request: ApiRequest, { resource, id, list, childId }: PlaceOf<'sub-object'>): StripeObject {
    const { account } = request.entry;
    if (!list.by) {
      const rows: StripeObject[] = this.objects.get(resource.type, id, account)[list.field]?.data ?? [];
      const row = rows.find((candidate) => candidate.id === childId);
      if (row) return row;
      throw noSuchObject(list.type, childId);
    }
    const child = this.retrieve(request, this.objects.table.ofType(list.type), childId);
    if (child[list.by] === id) return child;
    throw noSuchObject(list.type, childId);
  }

  private find(request: ApiRequest, place: Place): StripeObject | StripeList {
    switch (place.kind) {
      case 'collection':
        return this.list(request, place.resource);
      case 'object':
        return this.retrieve(request, place.resource, place.id);
      case 'sub-list':
        return this.subList(request, place);
      case 'sub-object':
        return this.subObject(request, place);
      case 'action':
        throw unknownUrl('GET', request.entry.path);
    }
  }

  private retrieve({ entry }: ApiRequest, resource: Resource, id: string): StripeObject {
    const isEvent = resource.type === 'event';
    const view: View = isEvent ? {} : this.faults.viewOfRead(this.now().getTime());
    const object = this.objects.shelf(resource, entry.account).read(id, view);
    if (object === null && resource.showsDeleted) return { id, object: resource.type, deleted: true };
    if (!object || object.created < this.oldest(resource)) throw noSuchObject(resource.type, id);
    return render(this.objects, object, entry.account, view);
  }

  private list({ entry }: ApiRequest, resource: Resource): StripeList {
    const { path, account, query } = entry;
    const view = this.faults.viewOfList(resource.type, this.now().getTime());
    return this.rendered(page(this.rows(resource, account, query, view), path, query), account, view);
  }

  private rows(resource: Resource, account: string | null, query: StripeParams, view: View): Rows {
    const match = matcher(resource, query);
    const { type, listedIn } = resource;
    if (listedIn) {
      const parent = String(query[listedIn.by]);
      const found = this.objects.find(listedIn.type, parent, account);
      if (!found) throw noSuchParameterObject(listedIn.type, parent, listedIn.by);
      return rowsOfArray(type, found[listedIn.field].data);
    }
    const shelf = this.objects.shelf(resource, account);
    const window = { oldest: this.oldest(resource), ...bounds('created', query.created) };
    return rowsOfShelf(type, shelf, { view, match, ...window });
  }

  private subList({ entry }: ApiRequest, { resource, id, list }: PlaceOf<'sub-list'>): StripeList {
    const { path: url, account, query: params } = entry;
    const parent = this.objects.get(resource.type, id, account);
    const view = this.faults.viewOfList(list.type, this.now().getTime());
    const match = list.by
      ? matcher(this.objects.table.ofType(list.type), { ...params, [list.by]: id })
      : pagingOnly(params);
    const found = subListPage(this.objects, parent, list, account, { view, url, params, match });
    return this.rendered(found, account, view);
  }

  private rendered(list: StripeList, account: string | null, view: View): StripeList {
    return { ...list, data: list.data.map((row) => render(this.objects, row, account, view)) };
  }

  /** In seconds; what is older has been forgotten. */
  private oldest(resource: Resource): number {
    if (resource.type !== 'event') return -Infinity;
    return Math.floor(this.now().getTime() / 1000) - this.eventRetention;
  }
}
