import { Injectable } from '@nestjs/common';
import { SyncDatabase, type Query } from '../database/sync.database.js';
import { recordKeyOf } from '../model/keys.js';
import type { RecordKey } from '../model/record.js';
import { idRanges, inRange, type IdRange } from './id-ranges.js';

export interface EraseResult {
  /** Events of the record in the inbox, all without their bodies now. */
  readonly events: number;
}

/** Forgets what is known of a record. */
@Injectable()
export class EraseService {
  constructor(private readonly database: SyncDatabase) {}

  /**
   * Bodies, errors and marks go, what waits is settled as `erased`. The ids stay, by which a late delivery is known for
   * a duplicate, and a tombstone, by which an old page or webhook does not bring the record back. First of all goes what a pass
   * could still take up; then, range by range, what is settled.
   */
  async erase(record: RecordKey): Promise<EraseResult> {
    const recordKey = recordKeyOf(record);
    await this.bury(record, recordKey);
    let events = 0;
    for await (const range of idRanges(this.database)) events += await this.forgetSettled(recordKey, range);
    return { events };
  }

  private bury(record: RecordKey, recordKey: Buffer): Promise<void> {
    const { tables, now, dialect } = this.database;
    return this.database.transaction(async (query) => {
      // First the row that every pass begins with: one that is at work has to come to its end, or comes to nothing.
      await query(
        `INSERT INTO ${tables.record} (record_key, source, connection_id, resource, record_id)
         VALUES ($1, $2, $3, $4, $5) ${dialect.ignoreClash(['record_key'])}`,
        [recordKey, record.source, record.connectionId, record.resource, record.id],
      );
      await query(
        `UPDATE ${tables.record}
         SET deleted_at = COALESCE(deleted_at, ${now}), fingerprint = NULL, version = version + 1, lease_token = NULL,
           lease_until = NULL, missing_reads = 0, missing_since = NULL
         WHERE record_key = $1`,
        [recordKey],
      );
      await this.forget(query, `record_key = $1 AND state IN ('waiting', 'dead')`, [recordKey]);
      await query(`DELETE FROM ${tables.mark} WHERE record_key = $1`, [recordKey]);
    });
  }

  /** @returns how many events of the record there are in the range */
  private async forgetSettled(recordKey: Buffer, range: IdRange): Promise<number> {
    const { tables, dialect } = this.database;
    const params: unknown[] = [recordKey];
    const events = await this.database.query<{ id: unknown }>(
      `SELECT id FROM ${tables.event} WHERE record_key = $1 AND ${inRange(range, params)}`,
      params,
    );
    if (events.length === 0) return 0;
    const ids = events.map(({ id }) => String(id));
    const its: unknown[] = [];
    await this.forget(this.database.query.bind(this.database), dialect.isOneOf('id', 'id', ids, its), its);
    return events.length;
  }

  private async forget(query: Query, where: string, params: readonly unknown[]): Promise<void> {
    await query(
      `UPDATE ${this.database.tables.event}
       SET payload = NULL, error = NULL, wait_reason = NULL, settled_at = COALESCE(settled_at, ${this.database.now}),
         reason = CASE WHEN state = 'waiting' THEN 'erased' ELSE reason END,
         state = CASE WHEN state = 'waiting' THEN 'skipped' ELSE state END
       WHERE ${where}`,
      params,
    );
  }
}
