import { Inject, Injectable } from '@nestjs/common';
import { SyncDatabase } from '../database/sync.database.js';
import { ResolvedSyncOptions } from '../sync.options.js';
import { DAY_MS } from './event-retention.service.js';

/** A large listing leaves a row for each record that it had. */
const FINDINGS_A_STEP = 1_000;

/** As requests say it, which are JSON. */
const DRY_RUN = '"dryRun":true';

/** Deletes runs that ended long ago, with their findings. */
@Injectable()
export class RunRetentionService {
  constructor(
    private readonly database: SyncDatabase,
    @Inject(ResolvedSyncOptions) private readonly options: ResolvedSyncOptions,
  ) {}

  async *steps(): AsyncGenerator<void, void, undefined> {
    for (const id of await this.old()) {
      while (await this.deleteFindings(id)) yield;
      await this.database.query(`DELETE FROM ${this.database.tables.run} WHERE id = $1`, [id]);
      yield;
    }
  }

  /** Those after which there was another good one: schedules and reconciliations of the log go by the last. */
  private async old(): Promise<unknown[]> {
    const { tables, dialect } = this.database;
    const rows = await this.database.query<{ id: unknown }>(
      `SELECT id FROM ${tables.run} AS old
       WHERE finished_at < ${this.database.in(-this.options.keepEventsDays * DAY_MS)}
         AND EXISTS (
           SELECT 1 FROM ${tables.run} AS newer
           WHERE newer.source = old.source AND newer.connection_id = old.connection_id AND newer.kind = old.kind
             AND newer.id > old.id AND newer.state = 'completed' AND NOT ${dialect.includes('newer.request', '$1')})
       ORDER BY id`,
      [DRY_RUN],
    );
    return rows.map(({ id }) => id);
  }

  private async deleteFindings(runId: unknown): Promise<boolean> {
    const { tables, dialect } = this.database;
    const rows = await this.database.query<{ record_key: Buffer }>(
      `SELECT record_key FROM ${tables.finding} WHERE run_id = $1 ORDER BY record_key LIMIT ${FINDINGS_A_STEP}`,
      [runId],
    );
    if (rows.length === 0) return false;
    const params: unknown[] = [runId];
    const keys = rows.map(({ record_key: key }) => key);
    await this.database.query(
      `DELETE FROM ${tables.finding} WHERE run_id = $1 AND ${dialect.isOneOf('record_key', 'digest', keys, params)}`,
      params,
    );
    return true;
  }
}
