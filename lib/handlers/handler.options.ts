import type { Provided } from './provided-function.js';
import type { ReadRecords } from './record-reader.js';

/**
 * Which source a handler listens to: the host's name for it, or a provider, where `source` may be left out as long
 * as the host has one source of that provider.
 */
export type SourceSelector = string | { readonly provider: string; readonly source?: string };

/** A record that must be there first, by resource and id. An expanded object stands for its id; none for nothing. */
export type RequiredRecord = readonly [resource: string, id: string | { id: string } | null | undefined];

/** Options of every handler. */
export interface HandlerOptions<T = any> {
  /**
   * The handler's identity in the database. A handler renamed is a new handler, but for `formerly`.
   * @default `Class.method`
   */
  name?: string;
  /**
   * The first name that it ran under, for one that has been renamed: in the database, in alarms and in `explain()` it goes
   * on under that, so that processes of before and after the change count as one. Stays as it is when it is renamed again.
   */
  formerly?: string;
  /**
   * `'required'`: runs in a transaction that commits with the mark. `'none'`: runs with no transaction open, between
   * two short ones, for handlers that call a network; at least once, same idempotency key.
   * @default 'required'
   */
  transaction?: 'required' | 'none';
  /** Records that must be fetched and handled before this one, computed from its content. */
  requires?: (record: T) => readonly RequiredRecord[];
  /** It is not called, only named as one that would have been. @default what the source's `handlers` says */
  observe?: boolean;
  /** Upper bound of one call, in milliseconds. @default `handlerTimeoutMs` of the module */
  timeoutMs?: number;
}

export interface ChangeHandlerOptions<T = any> extends HandlerOptions<T> {
  /**
   * So many records at most share one transaction, in which the handler is called for each of them, one after the other:
   * those that are ready when it begins, so that nobody waits for company. Their locks are held until the last call has
   * returned. If one of the calls fails, nothing of the transaction is kept, and all are called again, each in a transaction
   * of its own: the failure is counted once, and for its own record alone. Not with `transaction: 'none'`; of use up to
   * `maxPasses`.
   * @default 1
   */
  batch?: number;
  /**
   * What the host has of records, for reconciliations to compare with: a function, or a provider class with a `read`
   * method. This handler is called again with a record of which the host has other values, or nothing.
   * @default what the host has is not looked at
   */
  read?: Provided<'read', ReadRecords<T>>;
}

export interface EventHandlerOptions<T = any> extends HandlerOptions<T> {
  /** Whether the record is fetched for this handler; `context.record.data` is null otherwise. @default true */
  hydrate?: boolean;
  /** Events that happened before are skipped as `before-start`. @default the source's `start` */
  notBefore?: Date;
  /** Events older than this, in milliseconds, are skipped as `too-old`. @default no limit */
  maxAgeMs?: number;
}
