import { badParameter, noSuchParameterObject, unknownUrl } from './api-error.js';
import type { ApiReads } from './api-reads.js';
import type { ApiRequest } from './api-request.js';
import { create, remove, update } from './effects.js';
import { expand, render } from './render.js';
import type { Resource } from './resource.js';
import type { Place, PlaceOf } from './resource-table.js';
import { specialCases } from './special-cases.js';
import type { ChangeOptions, StripeState } from './state.js';
import type { StripeList, StripeObject } from './stripe-object.js';

/** Parameters of a create that must name an object that exists. */
const REFERENCES = ['customer', 'product', 'charge', 'invoice', 'subscription', 'payment_intent'];

/** What POST and DELETE do. Their events name the request. */
export class ApiChanges {
  constructor(
    private readonly state: StripeState,
    private readonly reads: ApiReads,
  ) {}

  /** @throws StripeApiError */
  change(request: ApiRequest, place: Place): StripeObject | StripeList {
    const { objects } = this.state;
    const { account } = request.entry;
    const { expand: paths, ...params } = request.params;
    const changed = this.apply({ ...request, params }, place);
    const shown = changed.deleted === true ? changed : render(objects, changed, account);
    return expand(objects, shown, paths, account);
  }

  private apply(request: ApiRequest, place: Place): StripeObject {
    const { method, path } = request.entry;
    const { resource } = place;
    if (!resource.readOnly && method === 'POST') {
      if (place.kind === 'collection') return this.create(request, resource);
      if (place.kind === 'object') return this.update(request, resource, place.id);
      if (place.kind === 'action') return this.act(request, place);
      if (place.kind === 'sub-list' && place.list.by) return this.createBelow(request, place, place.list.by);
    }
    if (place.kind === 'object' && method === 'DELETE') return this.delete(request, resource, place.id);
    if (place.kind === 'sub-object' && place.list.by) {
      this.reads.subObject(request, place);
      const childResource = this.state.objects.table.ofType(place.list.type);
      if (method === 'POST') return this.update(request, childResource, place.childId);
      if (method === 'DELETE') return this.delete(request, childResource, place.childId);
    }
    throw unknownUrl(method, path);
  }

  private create(request: ApiRequest, resource: Resource): StripeObject {
    const { params, entry } = request;
    const missing = resource.requires?.create?.find((param) => params[param] === undefined);
    if (missing) throw badParameter('parameter_missing', missing, `Missing required param: ${missing}.`);
    for (const param of REFERENCES) {
      const id = params[param];
      if (typeof id !== 'string' || this.state.objects.find(param, id, entry.account)) continue;
      throw noSuchParameterObject(param, id, param);
    }
    const special = this.special(request, resource, 'create');
    return special ?? create(this.state, resource.type, params, optionsOf(request));
  }

  private createBelow(request: ApiRequest, place: PlaceOf<'sub-list'>, by: string): StripeObject {
    const { objects } = this.state;
    objects.get(place.resource.type, place.id, request.entry.account);
    const params = { ...request.params, [by]: place.id };
    return this.create({ ...request, params }, objects.table.ofType(place.list.type));
  }

  private update(request: ApiRequest, resource: Resource, id: string): StripeObject {
    return update(this.state, resource.type, id, request.params, optionsOf(request));
  }

  private act(request: ApiRequest, { resource, id, action }: PlaceOf<'action'>): StripeObject {
    const special = this.special(request, resource, action, id);
    if (special) return special;
    const simple = resource.actions?.[action];
    if (!simple) throw unknownUrl(request.entry.method, request.entry.path);
    const { account } = request.entry;
    const object = this.state.objects.get(resource.type, id, account);
    const patch = simple.patch(object, request.params, this.state.making(account));
    return this.state.update(resource.type, id, patch, { ...optionsOf(request), types: simple.events });
  }

  private delete(request: ApiRequest, resource: Resource, id: string): StripeObject {
    if (!resource.deletable) throw unknownUrl('DELETE', request.entry.path);
    const special = this.special(request, resource, 'delete', id);
    return special ?? remove(this.state, resource.type, id, optionsOf(request));
  }

  private special(request: ApiRequest, resource: Resource, verb: string, id = ''): StripeObject | undefined {
    const run = specialCases[`${resource.type} ${verb}`];
    return run?.({ state: this.state, id, params: request.params, options: optionsOf(request) });
  }
}

function optionsOf({ id, entry }: ApiRequest): ChangeOptions {
  return { account: entry.account ?? undefined, request: { id, idempotency_key: entry.idempotencyKey } };
}
