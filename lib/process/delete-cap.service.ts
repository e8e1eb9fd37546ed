import { randomUUID } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { SyncDatabase } from '../entities/sync.database.js';
import type { RecordKey } from '../model/record.js';
import { ResolvedSyncOptions } from '../sync.options.js';
import { fenceStatement } from './record.statements.js';
import type { ClaimedRecord, RecordState } from './work.js';

/** So many records of a connection may vanish unannounced within an hour, or a tenth of them if that is more. */
const FREE_DELETIONS = 20;
const SHARE = 0.1;

type Query = (sql: string, params?: unknown[]) => Promise<unknown>;

/**
 * Guards against believing a key that has lost its rights, or belongs to another account: for it, every record is
 * "not found".
 */
@Injectable()
export class DeleteCapService {
  constructor(
    private readonly database: SyncDatabase,
    @Inject(ResolvedSyncOptions) private readonly options: ResolvedSyncOptions,
  ) {}

  /**
   * Saves an unannounced deletion, unless it is one too many: then false. Counts and saves under a lock, since those
   * that vanish together are also found to be gone together.
   */
  save(record: ClaimedRecord, deleted: RecordState): Promise<boolean> {
    const { source, connectionId } = record.key;
    const fence = fenceStatement(this.database, record, deleted, randomUUID(), this.options.leaseMs);
    return this.database.transaction(async (query) => {
      const lock = `sync_record ${source} ${connectionId}`;
      await query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [lock]);
      if (await this.isReached(query, record.key)) return false;
      await query(fence.sql, [...fence.params]);
      return true;
    });
  }

  private async isReached(query: Query, { source, connectionId }: RecordKey): Promise<boolean> {
    const { tables, now } = this.database;
    // Only a deletion that nobody announced has been read as missing several times.
    const recent = await countOf(
      query,
      `SELECT count(*)::int AS count FROM ${tables.record}
       WHERE source = $1 AND connection_id = $2 AND deleted_at > ${now} - interval '1 hour' AND missing_reads > 0`,
      [source, connectionId],
    );
    if (recent < FREE_DELETIONS) return false;

    // Never counts a large table: it is enough to know that there are ten times as many.
    const enough = Math.ceil((recent + 1) / SHARE);
    const all = await countOf(
      query,
      `SELECT count(*)::int AS count
       FROM (SELECT FROM ${tables.record} WHERE source = $1 AND connection_id = $2 LIMIT $3) AS record`,
      [source, connectionId, enough],
    );
    return all < enough;
  }
}

async function countOf(query: Query, sql: string, params: unknown[]): Promise<number> {
  const [row] = (await query(sql, params)) as { count: number }[];
  return row!.count;
}
