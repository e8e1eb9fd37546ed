import { Inject, Injectable } from '@nestjs/common';
import { listed } from '../database/statement.js';
import { SyncDatabase } from '../database/sync.database.js';
import { ResolvedSyncOptions } from '../sync.options.js';

/** Of a day, whatever clocks are put forward or back in it. */
export const DAY_MS = 86_400_000;

/** Ids that one step looks at: a millisecond or two, in which nobody else waits for the connection that it takes. */
const IDS_A_STEP = 1_000;

/** Neither its handlers nor a replay will want to see it again. */
const DONE = `state IN ('completed', 'skipped')`;

/** What nothing can replay is done with, too. Of the others that are dead, somebody has yet to decide what becomes of them. */
const PRUNABLE = `(${DONE} OR (state = 'dead' AND reason = 'unstorable'))`;

/** Drops the bodies of events that were settled long ago, and deletes those that were settled longer ago. */
@Injectable()
export class EventRetentionService {
  constructor(
    private readonly database: SyncDatabase,
    @Inject(ResolvedSyncOptions) private readonly options: ResolvedSyncOptions,
  ) {}

  /**
   * Walks from the oldest event up to the first whose body is to be kept. Always from the oldest: what waited long, or was
   * replayed late, is still to be found behind what was gone over before.
   */
  async *steps(): AsyncGenerator<void, void, undefined> {
    const { tables } = this.database;
    for (let from = 0n; ; from += BigInt(IDS_A_STEP)) {
      // Ids have gaps, and behind a gap of any size it goes on at once.
      const [next] = await this.database.query<{ id: unknown; old: unknown }>(
        `SELECT id, CASE WHEN received_at < ${this.ago(this.options.keepBodiesDays)} THEN 1 ELSE 0 END AS old
         FROM ${tables.event} WHERE id >= $1 ORDER BY id LIMIT 1`,
        [String(from)],
      );
      if (!next || Number(next.old) === 0) return;
      from = BigInt(next.id as string | number);
      await this.deleteOld(from);
      await this.dropBodies(from);
      yield;
    }
  }

  /** Whoever has one of them in hand, to replay it say, keeps it for this time. */
  private async deleteOld(from: bigint): Promise<void> {
    const old = this.ago(this.options.keepEventsDays);
    const params: unknown[] = [];
    await this.database.deleteUnlocked({
      table: this.database.tables.event,
      key: 'id',
      // A replay is over when the event is settled again.
      where: `${within(params, from)} AND ${PRUNABLE} AND received_at < ${old} AND settled_at < ${old}
        AND (occurred_at IS NULL OR occurred_at < ${old})`,
      params,
    });
  }

  private async dropBodies(from: bigint): Promise<void> {
    const params: unknown[] = [];
    await this.database.updateUnlocked({
      table: this.database.tables.event,
      key: 'id',
      set: 'payload = NULL',
      where: `${within(params, from)} AND ${DONE} AND payload IS NOT NULL
        AND received_at < ${this.ago(this.options.keepBodiesDays)}`,
      params,
    });
  }

  private ago(days: number): string {
    return this.database.in(-days * DAY_MS);
  }
}

function within(params: unknown[], from: bigint): string {
  const first = listed(params, [String(from)]);
  return `id >= ${first} AND id < ${listed(params, [String(from + BigInt(IDS_A_STEP))])}`;
}
