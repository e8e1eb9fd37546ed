import { listed, type Statement } from '../database/statement.js';
import type { SyncDatabase } from '../database/sync.database.js';

/** Makes completed events wait again, so that their record is looked at: the handlers that are done stay done. */
export function reopenEventsStatement({ tables, now }: SyncDatabase, ids: readonly string[]): Statement {
  const params: unknown[] = [];
  return {
    sql: `UPDATE ${tables.event} SET state = 'waiting', settled_at = NULL, available_at = ${now}
      WHERE id IN (${listed(params, ids)}) AND state IN ('waiting', 'completed')`,
    params,
  };
}
