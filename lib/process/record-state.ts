import type { FoundRecord } from '../hydrate/hydration.service.js';
import type { ClaimedRecord, RecordState } from './work.js';

/** So many reads must say "not found" before a record counts as deleted that nobody said was. */
const MISSING_READS = 3;

/** The state of a record that is not read in this pass. */
export function storedState(record: ClaimedRecord): RecordState {
  const { version, fingerprint, fingerprintRevision, deleted } = record;
  return { version, fingerprint, fingerprintRevision, deleted, data: null };
}

/** The state with a content that is newer than the stored one: under the lease, what is read is so by construction. */
export function foundState(record: ClaimedRecord, found: FoundRecord): RecordState {
  const { data, fingerprint, revision } = found;
  // Of one that was adopted nothing is known yet but that it is there.
  const isNew = record.version === 0 || record.deleted || record.fingerprint === null;
  // Fingerprints of another revision say nothing about the content: refreshed, without a change.
  const changed = isNew || (record.fingerprintRevision === revision && record.fingerprint !== fingerprint);
  return {
    version: changed ? record.version + 1 : record.version,
    fingerprint,
    fingerprintRevision: revision,
    deleted: false,
    data,
  };
}

export function deletedState(record: ClaimedRecord): RecordState {
  const stored = storedState(record);
  return record.deleted
    ? stored
    : { ...stored, version: record.version + 1, fingerprint: null, deleted: true };
}

/**
 * Whether a read that did not find the record is believed. At once if the provider says "deleted", has sent an event
 * that says so, or is known to; else only after several reads over a while: the read may lag behind the trigger.
 */
export function isGone(
  record: ClaimedRecord,
  { stated }: { stated: boolean },
  triggers: readonly { deletion: boolean }[],
  missingConfirmMs: number,
): boolean {
  if (record.deleted || stated || triggers.some(({ deletion }) => deletion)) return true;
  return record.missingReads + 1 >= MISSING_READS && (record.missingForMs ?? 0) >= missingConfirmMs;
}

/** Until the next read of a record that was not found: soon, since lag is short, then at the end of the while. */
export function missingReadInMs(record: ClaimedRecord, missingConfirmMs: number): number {
  const early = missingConfirmMs / 20;
  return record.missingReads === 0 ? early : Math.max(missingConfirmMs - (record.missingForMs ?? 0), early);
}
