import type { SyncDatabase } from '../database/sync.database.js';

/** Events by their ids. */
export interface IdRange {
  readonly from: bigint;
  /** Not with it. */
  readonly until: bigint;
}

export interface IdRangesOptions extends Partial<IdRange> {
  /** How many ids a range has at most. @default 10000, some ten milliseconds to read */
  readonly size?: number;
  /** SQL about an event: the walk ends before the range whose first event is not so. */
  readonly whileFirst?: string;
}

/**
 * The inbox, or a part of it, oldest first in ranges of ids. What no index leads to is looked for in one after the other:
 * however large the inbox is, no statement takes longer than one range does.
 */
export async function* idRanges(
  database: SyncDatabase,
  { from: first = 0n, until, size = 10_000, whileFirst = '1 = 1' }: IdRangesOptions = {},
): AsyncGenerator<IdRange, void, undefined> {
  for (let from = first; ; from += BigInt(size)) {
    // Ids have gaps, and behind a gap of any size it goes on at once.
    const [next] = await database.query<{ id: unknown; goes_on: unknown }>(
      `SELECT id, CASE WHEN ${whileFirst} THEN 1 ELSE 0 END AS goes_on
       FROM ${database.tables.event} WHERE id >= $1 ORDER BY id LIMIT 1`,
      [String(from)],
    );
    if (!next || Number(next.goes_on) === 0) return;
    from = BigInt(next.id as string | number);
    if (until !== undefined && from >= until) return;
    yield { from, until: from + BigInt(size) };
  }
}

/** SQL: the event is in the range, whose ends are added to the parameters. */
export function inRange({ from, until }: IdRange, params: unknown[]): string {
  return `id >= $${params.push(String(from))} AND id < $${params.push(String(until))}`;
}
