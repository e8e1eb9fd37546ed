import type { StoredRecord } from './stored-record.js';

/** What the API puts before the fields of each record. */
export function attributesOf({ object, id }: StoredRecord, version: string): object {
  return { type: object.name, url: `/services/data/${version}/sobjects/${object.name}/${id}` };
}

/** A record with some of its fields, `null` where they are empty. */
export function viewOf(record: StoredRecord, version: string, fields: readonly string[]): object {
  return {
    attributes: attributesOf(record, version),
    ...Object.fromEntries(fields.map((field) => [field, record.fields[field] ?? null])),
  };
}
