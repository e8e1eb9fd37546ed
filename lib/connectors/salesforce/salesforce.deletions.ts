import type { FetchOptions } from '../../model/connector.js';
import { CursorExpiredError } from '../../sync.errors.js';
import type { SalesforceClient } from './salesforce.client.js';
import { SalesforceError } from './salesforce.failure.js';
import { msOf } from './salesforce.time.js';

const MINUTE = 60_000;

/** Asked no oftener than that (docs: "Data Replication", polling for changes). */
const LEAST_MS = 5 * MINUTE;

/** A record that is gone, as the org's log of deletions has it. */
export interface Deletion {
  readonly id: string;
  /** As records have their stamps: `2026-01-31T12:00:00.000+0000`. */
  readonly deletedDate: string;
}

export interface DeletionsPage {
  readonly deletions: readonly Deletion[];
  /** All that was deleted before is known; `null`: of this object the org keeps no such log. */
  readonly to: number | null;
}

interface DeletedAnswer {
  readonly deletedRecords: readonly Deletion[];
  readonly latestDateCovered: string;
}

/** Whether it is time to ask again; an object of which the org keeps no log (`null`) is not asked about. */
export function areDeletionsDue(from: number | null | undefined, now: number): boolean {
  return from !== null && from !== undefined && now - from >= LEAST_MS;
}

/**
 * What was deleted since, those records too that are in no recycle bin: emptied by hand, or never there (`hardDelete`).
 * @param from in milliseconds
 * @throws CursorExpiredError if the log was purged since; `oldestPlace` is where changes are read again from
 */
export async function readDeletions(
  client: SalesforceClient,
  object: string,
  from: number,
  oldestPlace: number,
  now: number,
  options: FetchOptions,
): Promise<DeletionsPage> {
  const query = new URLSearchParams({ start: minuteText(from), end: minuteText(now) });
  const label = `deleted ${object}`;
  const path = `/sobjects/${object}/deleted/?${query.toString()}`;
  try {
    const answer = await client.request<DeletedAnswer>({ method: 'GET', path, label }, options);
    // A transaction that is under way holds it back.
    return { deletions: answer.deletedRecords, to: Math.max(from, msOf(answer.latestDateCovered)) };
  } catch (error) {
    if (!(error instanceof SalesforceError) || error.failure !== 'rejected') throw error;
    if (error.answer !== 'INVALID_REPLICATION_DATE') return { deletions: [], to: null };
    throw new CursorExpiredError(
      `Salesforce has purged which records of ${object} were deleted since ${new Date(from).toISOString()}`,
      new Date(oldestPlace),
    );
  }
}

/** Seconds are left away by the org. */
function minuteText(ms: number): string {
  return new Date(Math.floor(ms / MINUTE) * MINUTE).toISOString().replace('.000Z', '+00:00');
}
