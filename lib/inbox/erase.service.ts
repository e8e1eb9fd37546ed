import { Injectable } from '@nestjs/common';
import { SyncDatabase } from '../database/sync.database.js';
import { recordKeyOf } from '../model/keys.js';
import type { RecordKey } from '../model/record.js';

export interface EraseResult {
  /** Events whose bodies are gone. */
  readonly events: number;
}

/** Forgets what is known of a record. */
@Injectable()
export class EraseService {
  constructor(private readonly database: SyncDatabase) {}

  /**
   * Bodies, errors and marks go, what waits is settled as `erased`. The ids stay, by which a late delivery is known for
   * a duplicate, and a tombstone, by which an old page or webhook does not bring the record back.
   */
  erase(record: RecordKey): Promise<EraseResult> {
    const { tables, now, dialect } = this.database;
    const key = recordKeyOf(record);
    return this.database.transaction(async (query) => {
      // First the row that every pass begins with: one that is at work has to come to its end, or comes to nothing.
      await query(
        `INSERT INTO ${tables.record} (record_key, source, connection_id, resource, record_id)
         VALUES ($1, $2, $3, $4, $5) ${dialect.ignoreClash(['record_key'])}`,
        [key, record.source, record.connectionId, record.resource, record.id],
      );
      await query(
        `UPDATE ${tables.record}
         SET deleted_at = COALESCE(deleted_at, ${now}), fingerprint = NULL, version = version + 1, lease_token = NULL,
           lease_until = NULL, missing_reads = 0, missing_since = NULL
         WHERE record_key = $1`,
        [key],
      );
      const events = await query<{ id: unknown }>(`SELECT id FROM ${tables.event} WHERE record_key = $1`, [
        key,
      ]);
      await query(
        `UPDATE ${tables.event}
         SET payload = NULL, error = NULL, wait_reason = NULL, settled_at = COALESCE(settled_at, ${now}),
           reason = CASE WHEN state = 'waiting' THEN 'erased' ELSE reason END,
           state = CASE WHEN state = 'waiting' THEN 'skipped' ELSE state END
         WHERE record_key = $1`,
        [key],
      );
      await query(`DELETE FROM ${tables.mark} WHERE record_key = $1`, [key]);
      return { events: events.length };
    });
  }
}
