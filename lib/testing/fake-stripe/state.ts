import { isDeepStrictEqual } from 'node:util';
import { badParameter } from './api-error.js';
import { buildEvent } from './event-log.js';
import { keyOfObject } from './singletons.js';
import { ObjectStore } from './object-store.js';
import { patched, previousAttributes } from './patch.js';
import type { Random } from '../fake-provider/random.js';
import { render } from './render.js';
import type { Making } from './resource.js';
import type { StripeEvent, StripeObject, StripeParams } from './stripe-object.js';

/** What goes with a change. */
export interface ChangeOptions {
  /**
   * The connected account whose object it is.
   * @default the platform's own
   */
  account?: string;
  /**
   * What becomes of the events: `sent` logs and delivers them, `lost` logs them but no webhook ever comes, `unlogged`
   * makes none: a change that only reading the object shows.
   * @default 'sent'
   */
  delivery?: 'sent' | 'lost' | 'unlogged';
  /** These event types, in this order, instead of those that the change has by itself. */
  types?: readonly string[];
  /** The API request behind it. @default none, as for Stripe's own doing */
  request?: StripeEvent['request'];
}

/** Carries events out. */
export interface Announcer {
  /** Whether events of an account have somewhere to go. */
  listens(account: string | null): boolean;
  send(event: StripeEvent): void;
}

/**
 * All objects and events of all accounts, and the only code that changes them.
 *
 * A stored object is never changed in place. A change and its events are there when the call returns; a change that
 * changes nothing leaves no trace.
 */
export class StripeState {
  readonly objects: ObjectStore;

  constructor(
    private readonly now: () => Date,
    private readonly random: Random,
    private readonly webhooks: Announcer,
  ) {
    this.objects = new ObjectStore(now);
  }

  /** A fresh id: prefix and letters. */
  id(prefix: string, length = 24): string {
    return prefix + this.random.text(length);
  }

  /** Seconds since the epoch, by the fake's clock. */
  seconds(): number {
    return Math.floor(this.now().getTime() / 1000);
  }

  /** @throws StripeApiError 400 if the id is taken. */
  create(type: string, params: StripeParams, options: ChangeOptions = {}): StripeObject {
    const account = options.account ?? null;
    const resource = this.objects.table.ofType(type);
    const id = typeof params.id === 'string' ? params.id : this.id(resource.prefix, resource.idLength);
    if (this.objects.find(type, id, account)) {
      throw badParameter('resource_already_exists', 'id', `There is already a ${type} '${id}'.`);
    }
    const making = this.making(account);
    const blank = { id, object: type, created: making.now, livemode: false, metadata: {} };
    const fields = resource.build?.(params, making, id) ?? {};
    const object = patched({ ...blank, ...fields }, structuredClone(without(params, resource.consumes)));
    this.objects.write(resource, object.id, object, account);
    const { created } = resource.events ?? {};
    this.tell(options, typeof created === 'function' ? created(object) : created, object, null);
    return object;
  }

  /** @throws StripeApiError 404 if it does not exist. */
  update(type: string, id: string, patch: StripeParams, options: ChangeOptions = {}): StripeObject {
    const account = options.account ?? null;
    const resource = this.objects.table.ofType(type);
    const before = this.objects.get(type, id, account);
    const plain = patched(before, structuredClone(without(patch, resource.consumes)));
    const consumed = resource.consumes?.some((param) => patch[param] !== undefined) ?? false;
    const changed = consumed || !isDeepStrictEqual(plain, before);
    if (!changed && !options.types) return before;
    const after = patched(plain, resource.revise?.(patch, before, this.making(account)) ?? {});
    this.objects.write(resource, id, after, account);
    const { updated } = resource.events ?? {};
    this.tell(options, typeof updated === 'function' ? updated(after, before) : updated, after, before);
    return after;
  }

  /** Deletes, and answers as the API does: `{ id, object, deleted: true }`. @throws StripeApiError 404 */
  remove(type: string, id: string, options: ChangeOptions = {}): StripeObject {
    const resource = this.objects.table.ofType(type);
    const before = this.objects.get(type, id, options.account ?? null);
    this.objects.write(resource, id, null, options.account ?? null);
    this.tell(options, resource.events?.deleted, before, null);
    return { id, object: before.object, deleted: true };
  }

  /** Stores an object as it is given, without an event. */
  put(object: StripeParams & { object: string }, account: string | null): void {
    const data = structuredClone(object) as StripeObject;
    this.objects.write(this.objects.table.ofType(data.object), keyOfObject(data), data, account);
  }

  /** Makes an event of any type about an object, stored or not. */
  emit(
    type: string,
    object: StripeObject,
    options: ChangeOptions,
    previous: object | null = null,
  ): StripeEvent {
    const account = options.account ?? null;
    const lost = options.delivery === 'lost';
    const announced = !lost && this.webhooks.listens(account);
    const event = buildEvent({
      id: this.id('evt_1', 23),
      type,
      created: this.seconds(),
      account,
      object: render(this.objects, object, account),
      previous: previous && { ...previous },
      request: options.request ?? { id: null, idempotency_key: null },
      pending: lost || announced ? 1 : 0,
    });
    this.objects.write(this.objects.table.ofType('event'), event.id, event, account);
    if (announced) this.webhooks.send(event);
    return event;
  }

  /** Takes an event that the test has made: logs it, and keeps its object if it is new here and not of a deletion. */
  take(event: StripeEvent): StripeEvent {
    const account = event.account ?? null;
    const object = event.data.object as StripeObject;
    const shelf = this.objects.shelf(this.objects.table.ofType(object.object), account);
    const isNew = shelf.read(keyOfObject(object)) === undefined;
    if (isNew && !event.type.endsWith('.deleted')) this.put(object, account);
    this.objects.write(this.objects.table.ofType('event'), event.id, event, account);
    return event;
  }

  /** Notes that an event has been acknowledged. */
  acknowledge(event: StripeEvent): void {
    const shelf = this.objects.shelf(this.objects.table.ofType('event'), event.account ?? null);
    shelf.amend(event.id, { ...event, pending_webhooks: 0 });
  }

  private tell(
    options: ChangeOptions,
    own: string | null | undefined,
    after: StripeObject,
    before: StripeObject | null,
  ): void {
    if (options.delivery === 'unlogged') return;
    for (const type of options.types ?? (own ? [own] : [])) {
      this.emit(
        type,
        after,
        options,
        showsPrevious(type) && before ? this.difference(before, after, options) : null,
      );
    }
  }

  private difference(before: StripeObject, after: StripeObject, options: ChangeOptions): object {
    const account = options.account ?? null;
    return previousAttributes(render(this.objects, before, account), render(this.objects, after, account));
  }

  /** What a resource is given to make fields with. */
  making(account: string | null): Making {
    return {
      now: this.seconds(),
      id: (prefix) => this.id(prefix),
      find: (type, id) => this.objects.find(type, id, account),
    };
  }
}

/** Stripe fills `previous_attributes` in for these only. */
function showsPrevious(type: string): boolean {
  return type.endsWith('.updated') || type === 'charge.refunded';
}

function without(params: StripeParams, names: readonly string[] = []): StripeParams {
  return Object.fromEntries(Object.entries(params).filter(([name]) => !names.includes(name)));
}
