import type { InboxRow } from '../inbox/inbox-row.js';
import type { RecordKey } from '../model/record.js';

/** A record that has waiting events, as it travels to a worker. */
export interface DueRecord {
  readonly recordKey: Buffer;
  readonly source: string;
  readonly connectionId: string;
  readonly resource: string;
  /** The types of its waiting events, which tell whether it has to be fetched; undefined: not known. */
  readonly types?: readonly string[];
}

export function dueRecordOf(
  recordKey: Buffer,
  { source, connectionId, resource }: RecordKey,
  types?: readonly string[],
): DueRecord {
  return { recordKey, source, connectionId, resource, types };
}

/** The records of events that have just come into the inbox. */
export function dueRecordsOf(rows: readonly InboxRow[]): DueRecord[] {
  return rows.map((row) => dueRecordOf(row.recordKey, row.record, [row.type]));
}

/** With more types than these in line for one record, it does not matter which. */
const TYPES = 50;

/** Said twice of one record, done once. */
export function mergedDue(known: DueRecord, record: DueRecord): DueRecord {
  if (known.types && record.types?.every((type) => known.types!.includes(type))) return known;
  const types = known.types && record.types && [...known.types, ...record.types];
  return { ...known, types: types && types.length <= TYPES ? types : undefined };
}

/**
 * Carries records' keys to workers. It holds nothing that matters: what is lost here the sweep finds again, and what
 * is said twice is done once. Interface and token of one name.
 */
export abstract class Dispatcher {
  /** These records may have something to do. Never throws, never waits. */
  abstract dispatch(records: readonly DueRecord[]): void;

  /** Looks into the database for what is due: nudges that were lost, retries, leases that ran out. */
  abstract sweep(): Promise<void>;

  /** Resolves when nothing is due and nothing is running. What waits for a later time does not count. */
  abstract idle(): Promise<void>;

  abstract start(): void;

  /** Takes on nothing more, and resolves when what runs has come to an end, after `drainMs` at the latest. */
  abstract stop(drainMs: number): Promise<void>;
}
