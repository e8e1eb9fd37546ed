import { noSuchObject } from './api-error.js';
import type { Resource } from './resource.js';
import { ResourceTable } from './resource-table.js';
import { Shelf } from './shelf.js';
import { isList } from './stripe-object.js';
import type { StripeObject } from './stripe-object.js';

interface AccountObjects {
  readonly shelves: Map<Resource, Shelf>;
  /** Which shelf has an id, for `expand`. */
  readonly kinds: Map<string, Resource>;
}

/** Where the objects of all accounts are. `account` is null for the platform's own. */
export class ObjectStore {
  readonly table = new ResourceTable();
  private readonly accounts = new Map<string | null, AccountObjects>();

  constructor(private readonly now: () => Date) {}

  /** The objects of one kind. */
  shelf(resource: Resource, account: string | null): Shelf {
    const { shelves } = this.objectsOf(account);
    const shelf = shelves.get(resource) ?? new Shelf();
    shelves.set(resource, shelf);
    return shelf;
  }

  /** An object as it is now, whole; `null` if it does not exist or was deleted. */
  find(type: string, id: unknown, account: string | null): StripeObject | null {
    return this.shelf(this.table.ofType(type), account).read(String(id)) ?? null;
  }

  /** As `find`, for an id of any kind, and with what the API shows of a deleted one. */
  findAnywhere(id: string, account: string | null): StripeObject | null {
    const resource = this.objectsOf(account).kinds.get(id);
    const object = resource && this.shelf(resource, account).read(id);
    if (object === null && resource?.showsDeleted) return { id, object: resource.type, deleted: true };
    return object ?? null;
  }

  /** @throws StripeApiError 404 if it does not exist or was deleted. */
  get(type: string, id: string, account: string | null): StripeObject {
    const object = this.find(type, id, account);
    if (!object) throw noSuchObject(type, id);
    return object;
  }

  /** Stores a new version; `null` deletes. `data` must not be changed afterwards. */
  write(resource: Resource, id: string, data: StripeObject | null, account: string | null): void {
    this.mirrorRows(resource, id, data, account);
    this.shelf(resource, account).write(id, data, this.now().getTime());
    this.objectsOf(account).kinds.set(id, resource);
  }

  /** Rows that lie in their parent but can also be read by themselves (subscription items) are kept in both places. */
  private mirrorRows(
    resource: Resource,
    id: string,
    data: StripeObject | null,
    account: string | null,
  ): void {
    for (const list of resource.lists ?? []) {
      if (list.by || !list.url) continue;
      const rowsIn = (object: StripeObject | null | undefined): StripeObject[] =>
        isList(object?.[list.field]) ? object[list.field].data : [];
      const rows = rowsIn(data);
      const rowResource = this.table.ofType(list.type);
      for (const old of rowsIn(this.shelf(resource, account).read(id))) {
        if (!rows.some((row) => row.id === old.id)) this.write(rowResource, old.id, null, account);
      }
      for (const row of rows) {
        if (this.shelf(rowResource, account).read(row.id) !== row)
          this.write(rowResource, row.id, row, account);
      }
    }
  }

  private objectsOf(account: string | null): AccountObjects {
    const objects = this.accounts.get(account) ?? { shelves: new Map(), kinds: new Map() };
    this.accounts.set(account, objects);
    return objects;
  }
}
