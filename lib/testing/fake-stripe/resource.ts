import type { StripeObject, StripeParams } from './stripe-object.js';

/** Whether a list shows an object, given the value of one parameter. */
export type Filter = (object: StripeObject, value: unknown) => boolean;

/** What a resource may ask for while it makes an object. */
export interface Making {
  /** Seconds since the epoch. */
  readonly now: number;
  /** A fresh id with this prefix. */
  id(prefix: string): string;
  /** An object of the same account, as it is now. */
  find(type: string, id: unknown): StripeObject | null;
}

/** A list inside an object. The API cuts it at 10 rows; the rest is behind its `url`. */
export interface SubList {
  /** Where it stands in the parent: `lines`. */
  readonly field: string;
  /** The type of its rows. */
  readonly type: string;
  /** Its path below the parent's: `lines` gives `/v1/invoices/in_1/lines`. Without one, it has only its `url`. */
  readonly segment?: string;
  /** Where it is paged, if not at its segment. */
  readonly url?: (parentId: string) => string;
  /** For rows that are objects of their own: the field in which they name the parent. Other rows lie in the parent. */
  readonly by?: string;
  /** Left out of the parent unless `expand[]` names it. */
  readonly onlyExpanded?: boolean;
}

/** The events of a change. A function may decide by the object; `null` is no event. */
export interface ResourceEvents {
  readonly created?: string | ((object: StripeObject) => string | null);
  readonly updated?: string | ((after: StripeObject, before: StripeObject) => string | null);
  readonly deleted?: string;
}

/** A `POST /v1/<path>/<id>/<name>` that does no more than set fields. */
export interface Action {
  readonly patch: (object: StripeObject, params: StripeParams, making: Making) => StripeParams;
  /** The event types, in order; the resource's own for an update if there are none. */
  readonly events?: readonly string[];
}

/** One kind of object: where it is in the API, how it is listed, how it is made, and what is said when it changes. */
export interface Resource {
  /** Its `object` field. */
  readonly type: string;
  /** Types that are listed and read together with it. */
  readonly aliases?: readonly string[];
  /** Below `/v1/`; `null` for what is only found below a parent. */
  readonly path: string | null;
  /** Begins its ids, with the underscore. */
  readonly prefix: string;
  /** How many letters follow. @default 24 */
  readonly idLength?: number;
  /** Whether lists take `created`. @default true */
  readonly byCreated?: boolean;
  /** What else lists take; `any` takes every field by equality. */
  readonly filters?: Readonly<Record<string, Filter>> | 'any';
  /** Its list is the list in a parent, which `by` names: same rows, same order. */
  readonly listedIn?: { readonly type: string; readonly field: string; readonly by: string };
  /** What a list leaves out, by its parameters. */
  readonly omits?: (object: StripeObject, params: StripeParams) => boolean;
  /** Parameters without which the API answers 400. */
  readonly requires?: { readonly create?: readonly string[]; readonly list?: readonly string[] };
  /** Refuses combinations of list parameters, by throwing a StripeApiError. */
  readonly checks?: (params: StripeParams) => void;
  /** The API has GET for it only. @default false */
  readonly readOnly?: boolean;
  /** Whether the API has DELETE for it. @default false */
  readonly deletable?: boolean;
  /** Reading a deleted one answers 200 and `deleted: true`, not 404. @default false */
  readonly showsDeleted?: boolean;
  readonly events?: ResourceEvents;
  readonly lists?: readonly SubList[];
  readonly actions?: Readonly<Record<string, Action>>;
  /** Parameters that `build` and `revise` turn into fields; all others become fields as they are. */
  readonly consumes?: readonly string[];
  /** Its fields beside `id`, `object`, `created`, `livemode` and metadata. What is not consumed is put over them. */
  readonly build?: (params: StripeParams, making: Making, id: string) => StripeParams;
  /** More fields that an update sets, from what was consumed or as a consequence. */
  readonly revise?: (params: StripeParams, before: StripeObject, making: Making) => StripeParams;
}
