import type { Query, SyncDatabase } from '../database/sync.database.js';
import type { ConnectionKey } from '../model/record.js';

/** Takes the connection's row, which is made if need be, until the transaction's end. */
export async function lockConnection(
  { tables, now, dialect }: SyncDatabase,
  query: Query,
  { source, connectionId }: ConnectionKey,
): Promise<void> {
  const params = [source, connectionId];
  await query(
    `INSERT INTO ${tables.connection} (source, connection_id, start_at) VALUES ($1, $2, ${now})
     ${dialect.ignoreClash(['source', 'connection_id'])}`,
    params,
  );
  await query(
    `SELECT 1 AS held FROM ${tables.connection} WHERE source = $1 AND connection_id = $2 ${dialect.forUpdate}`,
    params,
  );
}
