import { randomUUID } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { numberIn } from '../database/row-values.js';
import { whole } from '../database/statement.js';
import { SyncDatabase, type Query } from '../database/sync.database.js';
import { lockConnection } from '../inbox/connection-lock.js';
import type { RecordKey } from '../model/record.js';
import { ResolvedSyncOptions } from '../sync.options.js';
import { fenceStatement } from './record.statements.js';
import type { ClaimedRecord, RecordState } from './work.js';

/** So many records of a connection may vanish unannounced within an hour, or a tenth of them if that is more. */
const FREE_DELETIONS = 20;
const SHARE = 0.1;
const WINDOW_MS = 3_600_000;

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
    const fence = fenceStatement(this.database, record, deleted, randomUUID(), this.options.leaseMs);
    return this.database.transaction(async (query) => {
      await lockConnection(this.database, query, record.key);
      if (await this.isReached(query, record.key)) return false;
      await query(fence.sql, fence.params);
      return true;
    });
  }

  private async isReached(query: Query, { source, connectionId }: RecordKey): Promise<boolean> {
    const { tables } = this.database;
    // Only a deletion that nobody announced has been read as missing several times.
    const recent = await countOf(
      query,
      `SELECT COUNT(*) AS count FROM ${tables.record}
       WHERE source = $1 AND connection_id = $2 AND deleted_at > ${this.database.in(-WINDOW_MS)} AND missing_reads > 0`,
      [source, connectionId],
    );
    if (recent < FREE_DELETIONS) return false;

    // Never counts a large table: it is enough to know that there are ten times as many.
    const enough = Math.ceil((recent + 1) / SHARE);
    const all = await countOf(
      query,
      `SELECT COUNT(*) AS count
       FROM (SELECT 1 AS one FROM ${tables.record} WHERE source = $1 AND connection_id = $2 LIMIT ${whole(enough)}) AS record`,
      [source, connectionId],
    );
    return all < enough;
  }
}

async function countOf(query: Query, sql: string, params: unknown[]): Promise<number> {
  const [row] = await query<{ count: unknown }>(sql, params);
  return numberIn(row!.count);
}
