import { Injectable } from '@nestjs/common';
import { SyncDatabase } from '../entities/sync.database.js';
import type { RecordKey } from '../model/record.js';

/** So many records of a connection may vanish unannounced within an hour, or a tenth of them if that is more. */
const FREE_DELETIONS = 20;
const SHARE = 0.1;

/**
 * Guards against believing a key that has lost its rights, or belongs to another account: for it, every record is
 * "not found".
 */
@Injectable()
export class DeleteCapService {
  constructor(private readonly database: SyncDatabase) {}

  /** Whether one more unannounced deletion would be too many. */
  async isReached({ source, connectionId }: RecordKey): Promise<boolean> {
    const { tables, now } = this.database;
    // Only a deletion that nobody announced has been read as missing several times.
    const [recent] = await this.database.query<{ count: number }>(
      `SELECT count(*)::int AS count FROM ${tables.record}
       WHERE source = $1 AND connection_id = $2 AND deleted_at > ${now} - interval '1 hour' AND missing_reads > 0`,
      [source, connectionId],
    );
    if (recent!.count < FREE_DELETIONS) return false;

    // Never counts a large table: it is enough to know that there are ten times as many.
    const enough = Math.ceil((recent!.count + 1) / SHARE);
    const [all] = await this.database.query<{ count: number }>(
      `SELECT count(*)::int AS count
       FROM (SELECT FROM ${tables.record} WHERE source = $1 AND connection_id = $2 LIMIT $3) AS record`,
      [source, connectionId, enough],
    );
    return all!.count < enough;
  }
}
