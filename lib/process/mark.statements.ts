import type { Statement } from '../entities/statement.js';
import type { SyncDatabase } from '../entities/sync.database.js';
import type { ClaimedRecord, Mark } from './work.js';

/** Writes marks. One that a replay has reset since it was read is left as the replay wants it. */
export function writeMarksStatement(
  database: SyncDatabase,
  record: ClaimedRecord,
  marks: readonly Mark[],
): Statement {
  const { tables, now } = database;
  const params: unknown[] = [record.recordKey];
  const rows = marks.map((mark) => {
    const values = [
      mark.eventId,
      mark.handler,
      mark.state,
      mark.version,
      mark.deleted,
      mark.failedVersion,
      mark.attempts,
      mark.conflicts,
      mark.replayNo,
      mark.error,
    ].map((value) => `$${params.push(value)}`);
    const dueAt =
      mark.dueInMs === null ? 'NULL' : `${now} + interval '${Math.round(mark.dueInMs)} milliseconds'`;
    return `($1, ${values.join(', ')}, ${dueAt})`;
  });
  const columns = [
    'state',
    'version',
    'deleted',
    'failed_version',
    'attempts',
    'conflicts',
    'replay_no',
    'error',
    'due_at',
  ];
  return {
    sql: `
      INSERT INTO ${tables.mark} AS mark (record_key, event_id, handler, ${columns.join(', ')})
      VALUES ${rows.join(', ')}
      ON CONFLICT (record_key, event_id, handler)
      DO UPDATE SET ${columns.map((column) => `${column} = EXCLUDED.${column}`).join(', ')}
      WHERE mark.replay_no = EXCLUDED.replay_no`,
    params,
  };
}

/** The marks of events that are settled: what they said stands in the events' rows now. */
export function forgetMarksStatement(
  database: SyncDatabase,
  record: ClaimedRecord,
  eventIds: readonly string[],
): Statement {
  const params: unknown[] = [record.recordKey];
  return {
    sql: `DELETE FROM ${database.tables.mark}
      WHERE record_key = $1 AND event_id IN (${eventIds.map((id) => `$${params.push(id)}`).join(', ')})`,
    params,
  };
}
