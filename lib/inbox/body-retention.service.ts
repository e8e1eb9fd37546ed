import { Inject, Injectable } from '@nestjs/common';
import { listed } from '../database/statement.js';
import { SyncDatabase } from '../database/sync.database.js';
import { ResolvedSyncOptions } from '../sync.options.js';

const DAY_MS = 86_400_000;

/** Rows that one statement looks at, and changes at most. */
const BATCH = 1_000;

/** Drops the bodies of events that were settled long ago. */
@Injectable()
export class BodyRetentionService {
  /** All rows up to this id are done with, for this process: a start at the beginning costs a walk, and no more. */
  private doneUpTo = '0';

  constructor(
    private readonly database: SyncDatabase,
    @Inject(ResolvedSyncOptions) private readonly options: ResolvedSyncOptions,
  ) {}

  /** Walks up to the first event that is younger. @returns how many bodies went */
  async dropOld(): Promise<number> {
    const { tables } = this.database;
    let dropped = 0;
    for (;;) {
      const rows = await this.database.query<Row>(
        `SELECT id, CASE WHEN received_at < ${this.database.in(-this.options.keepBodiesDays * DAY_MS)} THEN 1 ELSE 0 END AS old,
           CASE WHEN state IN ('completed', 'skipped') AND payload IS NOT NULL THEN 1 ELSE 0 END AS droppable
         FROM ${tables.event} WHERE id > $1 ORDER BY id LIMIT ${BATCH}`,
        [this.doneUpTo],
      );
      const young = rows.findIndex(({ old }) => Number(old) === 0);
      const seen = young < 0 ? rows : rows.slice(0, young);
      dropped += await this.drop(seen.filter(({ droppable }) => Number(droppable) === 1));
      if (seen.length > 0) this.doneUpTo = String(seen.at(-1)!.id);
      if (young >= 0 || rows.length < BATCH) return dropped;
    }
  }

  private async drop(rows: readonly Row[]): Promise<number> {
    if (rows.length === 0) return 0;
    const params: unknown[] = [];
    const ids = listed(
      params,
      rows.map(({ id }) => id),
    );
    await this.database.query(
      `UPDATE ${this.database.tables.event} SET payload = NULL WHERE id IN (${ids}) AND state IN ('completed', 'skipped')`,
      params,
    );
    return rows.length;
  }
}

interface Row {
  readonly id: unknown;
  readonly old: unknown;
  readonly droppable: unknown;
}
