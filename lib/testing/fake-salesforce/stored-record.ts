import type { SObject } from './schema.js';

/** A record's fields, without those that are empty. */
export type SalesforceFields = Readonly<Record<string, unknown>>;

/** A record as it is stored. It is never changed in place. */
export interface StoredRecord {
  readonly object: SObject;
  readonly id: string;
  readonly fields: SalesforceFields;
  readonly deleted: boolean;
  /** The version before. */
  readonly previous: StoredRecord | null;
}
