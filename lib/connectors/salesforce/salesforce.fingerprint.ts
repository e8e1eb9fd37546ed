import { hashOf } from '../../model/content-hash.js';

/** Raised whenever `fingerprintOf` gives another result for the same content. */
export const FINGERPRINT_REVISION = 1;

/** Stamps say when a record was touched, by whom it was looked at, and nothing of its content. */
const VOLATILE: ReadonlySet<string> = new Set([
  'attributes',
  'LastModifiedById',
  'LastModifiedDate',
  'LastReferencedDate',
  'LastViewedDate',
  'SystemModstamp',
]);

/** Equal for contents that differ only in stamps, in the order of fields, and in fields that are empty or missing. */
export function fingerprintOf(data: object): string {
  return hashOf(data, { without: VOLATILE });
}
