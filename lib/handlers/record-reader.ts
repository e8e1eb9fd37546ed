import type { EntityManager } from 'typeorm';

/** Where the records that a `RecordReader` is asked for are from. */
export interface ReadContext {
  readonly source: string;
  readonly connectionId: string;
  readonly resource: string;
  /** Of the module's data source, outside of any transaction; for reading. */
  readonly manager: EntityManager;
}

/**
 * What the host has of records: by id, those fields of their content that it keeps, named and nested as the provider has
 * them. No entry: the host has no such record. An object of which the host has nothing, `{ city: null }`, is the same as
 * none. A reader that throws, or takes longer than 30 s
 * (half of `leaseMs`, if that is less), is asked three times; then the resource counts as failed.
 */
export type ReadRecords<T> = (
  ids: readonly string[],
  context: ReadContext,
) => ReadonlyMap<string, HeldFields<T>> | Promise<ReadonlyMap<string, HeldFields<T>>>;

/** Some fields of a record; arrays are compared whole. */
export type HeldFields<T> = { readonly [Field in keyof T]?: HeldValue<T[Field]> };

/** Of each of the types that a field may have. */
export type HeldValue<V> = V extends readonly unknown[] | Date ? V : V extends object ? HeldFields<V> : V;

/** A reader with dependencies: a provider of the host's. */
export interface RecordReader<T = any> {
  read: ReadRecords<T>;
}
