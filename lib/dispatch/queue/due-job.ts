import type { DueRecord } from '../dispatcher.js';

/** Of all jobs. */
export const JOB_NAME = 'due';

/** What fails is retried by the database, and what is done is nobody's business any more. */
export const JOB_OPTIONS = { attempts: 1, removeOnComplete: true, removeOnFail: true };

/** What a job says: which records may have something to do. Their data stays in the database. */
export interface DueJob {
  readonly records: readonly DueEntry[];
}

interface DueEntry {
  /** Base64. */
  readonly key: string;
  readonly source: string;
  readonly connectionId: string;
  readonly resource: string;
  readonly types?: readonly string[];
}

export function jobOf(records: readonly DueRecord[]): DueJob {
  return {
    records: records.map(({ recordKey, ...rest }) => ({ key: recordKey.toString('base64'), ...rest })),
  };
}

/** @throws TypeError if it is none of ours, or of a release that says it otherwise: the sweep finds its records */
export function recordsIn(job: unknown): DueRecord[] {
  const { records } = (job ?? {}) as Partial<DueJob>;
  if (!Array.isArray(records) || !records.every(isEntry)) throw new TypeError('it names no records');
  return records.map(({ key, source, connectionId, resource, types }) => {
    return { recordKey: Buffer.from(key, 'base64'), source, connectionId, resource, types };
  });
}

function isEntry(entry: unknown): entry is DueEntry {
  const { key, source, connectionId, resource, types } = (entry ?? {}) as Record<string, unknown>;
  const texts = [key, source, connectionId, resource, ...(Array.isArray(types) ? (types as unknown[]) : [])];
  return texts.every((text) => typeof text === 'string') && (types === undefined || Array.isArray(types));
}
