import type { Statement } from '../entities/statement.js';

/** Makes completed events wait again, so that their record is looked at: the handlers that are done stay done. */
export function reopenEventsStatement(table: string, now: string, ids: readonly string[]): Statement {
  return {
    sql: `UPDATE ${table} SET state = 'waiting', settled_at = NULL, available_at = ${now}
      WHERE id = ANY ($1::bigint[]) AND state IN ('waiting', 'completed')`,
    params: [ids],
  };
}
