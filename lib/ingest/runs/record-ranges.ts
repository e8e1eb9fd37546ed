import { whole } from '../../database/statement.js';
import type { SyncDatabase } from '../../database/sync.database.js';

/** Known records by their keys. */
export interface RecordRange {
  /** Not with it. */
  readonly after: Buffer;
  /** With it; null: all that follow. */
  readonly upTo: Buffer | null;
}

/** Before every key. */
export const FIRST_KEY: Buffer = Buffer.alloc(0);

/** All known records, in ranges of so many: however many there are, no statement takes longer than one range does. */
export async function* recordRanges(
  database: SyncDatabase,
  size: number,
): AsyncGenerator<RecordRange, void, undefined> {
  for (let after = FIRST_KEY; ;) {
    const [last] = await database.query<{ record_key: Buffer }>(
      `SELECT record_key FROM ${database.tables.record} WHERE record_key > $1
       ORDER BY record_key LIMIT 1 OFFSET ${whole(size - 1)}`,
      [after],
    );
    yield { after, upTo: last?.record_key ?? null };
    if (!last) return;
    after = last.record_key;
  }
}

/** SQL: the record is in the range, whose ends are added to the parameters. */
export function inRecordRange({ after, upTo }: RecordRange, params: unknown[]): string {
  const begins = `record.record_key > $${params.push(after)}`;
  return upTo ? `${begins} AND record.record_key <= $${params.push(upTo)}` : begins;
}
