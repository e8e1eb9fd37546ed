import { listed, type Statement } from '../database/statement.js';
import type { SyncDatabase } from '../database/sync.database.js';
import type { ClaimedRecord, Mark } from './work.js';

/** In the order in which they are written: `replay_no` decides over the others, and so must be the last. */
const COLUMNS = 'state version deleted failed_version attempts conflicts error due_at replay_no'.split(' ');

/** A mark, and the record that it is about. */
export interface MarkOf {
  readonly record: ClaimedRecord;
  readonly mark: Mark;
}

/** Writes marks. One that a replay has reset since it was read is left as the replay wants it. */
export function writeMarksStatement(database: SyncDatabase, marks: readonly MarkOf[]): Statement {
  const { tables, dialect } = database;
  // One alone is most common, and arrays of one cost the server as much again as its row.
  const { rows, ...statement } =
    dialect.hasArrays && marks.length > 1 ? markArrays(database, marks) : markValues(database, marks);
  const isSame = `${dialect.kept(tables.mark, 'replay_no')} = ${dialect.given('replay_no')}`;
  const set = COLUMNS.map((column) => {
    const [given, kept] = [dialect.given(column), dialect.kept(tables.mark, column)];
    return [column, `CASE WHEN ${isSame} THEN ${given} ELSE ${kept} END`];
  });
  return {
    ...statement,
    sql: `
      INSERT INTO ${tables.mark} (record_key, event_id, handler, ${COLUMNS.join(', ')})
      ${rows}
      ${dialect.updateOnClash(['record_key', 'event_id', 'handler'], Object.fromEntries(set) as Record<string, string>)}`,
  };
}

function markValues(database: SyncDatabase, marks: readonly MarkOf[]) {
  const params: unknown[] = [];
  const rows = marks.map(({ record, mark }) => {
    const key = `$${params.push(record.recordKey)}`;
    const given = listed(params, [mark.eventId, mark.handler, mark.state, mark.version, mark.deleted]);
    const failure = listed(params, [mark.failedVersion, mark.attempts, mark.conflicts, mark.error]);
    const dueAt = mark.dueInMs === null ? 'NULL' : database.in(mark.dueInMs);
    return `(${key}, ${given}, ${failure}, ${dueAt}, $${params.push(mark.replayNo)})`;
  });
  return {
    rows: `VALUES ${rows.join(', ')}`,
    params,
    recurs: marks.every(({ mark }) => mark.dueInMs === null),
  };
}

function markArrays({ now }: SyncDatabase, marks: readonly MarkOf[]) {
  return {
    rows: `SELECT record_key, event_id, handler, state, version, deleted, failed_version, attempts, conflicts, error,
        ${now} + due_in_ms * interval '1 millisecond', replay_no
      FROM unnest($1::bytea[], $2::bigint[], $3::text[], $4::text[], $5::int[], $6::boolean[], $7::int[], $8::int[], $9::int[],
        $10::text[], $11::float8[], $12::int[]) AS mark (record_key, event_id, handler, state, version, deleted,
        failed_version, attempts, conflicts, error, due_in_ms, replay_no)`,
    params: [
      marks.map(({ record }) => record.recordKey),
      marks.map(({ mark }) => mark.eventId),
      marks.map(({ mark }) => mark.handler),
      marks.map(({ mark }) => mark.state),
      marks.map(({ mark }) => mark.version),
      marks.map(({ mark }) => mark.deleted),
      marks.map(({ mark }) => mark.failedVersion),
      marks.map(({ mark }) => mark.attempts),
      marks.map(({ mark }) => mark.conflicts),
      marks.map(({ mark }) => mark.error),
      marks.map(({ mark }) => mark.dueInMs),
      marks.map(({ mark }) => mark.replayNo),
    ],
    recurs: true,
  };
}

/** The marks of events that are settled: what they said stands in the events' rows now. */
export function forgetMarksStatement(
  { tables, dialect }: SyncDatabase,
  record: ClaimedRecord,
  eventIds: readonly string[],
): Statement {
  const params: unknown[] = [record.recordKey];
  return {
    sql: `DELETE FROM ${tables.mark}
      WHERE record_key = $1 AND ${dialect.isOneOf('event_id', 'id', eventIds, params)}`,
    params,
  };
}

/**
 * Has change handlers shown records again, as they are by then: those that have been shown them before. A pass that is under
 * way does not write over it, by the replay's number.
 */
export function showAgainStatement(
  { tables, dialect }: SyncDatabase,
  recordKeys: readonly Buffer[],
  handlers: readonly string[],
): Statement {
  const params: unknown[] = [];
  const areTheirs = dialect.isOneOf('record_key', 'digest', recordKeys, params);
  return {
    sql: `
      UPDATE ${tables.mark}
      SET state = 'failed', version = -1, attempts = 0, conflicts = 0, failed_version = 0, due_at = NULL,
        replay_no = replay_no + 1
      WHERE event_id = 0 AND ${areTheirs} AND ${dialect.isOneOf('handler', 'text', handlers, params)}`,
    params,
  };
}
