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
 * them. No entry: the host has no such record.
 */
export type ReadRecords<T> = (
  ids: readonly string[],
  context: ReadContext,
) => ReadonlyMap<string, HeldFields<T>> | Promise<ReadonlyMap<string, HeldFields<T>>>;

/** Some fields of a record; arrays are compared whole. */
export type HeldFields<T> = {
  readonly [Field in keyof T]?: T[Field] extends readonly unknown[] | Date
    ? T[Field]
    : T[Field] extends object
      ? HeldFields<T[Field]>
      : T[Field];
};

/** A reader with dependencies: a provider of the host's. */
export interface RecordReader<T = any> {
  read: ReadRecords<T>;
}
