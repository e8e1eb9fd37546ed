import { Inject, Injectable } from '@nestjs/common';
import { SyncDatabase } from '../database/sync.database.js';
import { ResolvedSyncOptions } from '../sync.options.js';
import { idRanges, inRange, type IdRange } from './id-ranges.js';

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
    const whileFirst = `received_at < ${this.ago(this.options.keepBodiesDays)}`;
    for await (const range of idRanges(this.database, { size: IDS_A_STEP, whileFirst })) {
      await this.deleteOld(range);
      await this.dropBodies(range);
      yield;
    }
  }

  /** Whoever has one of them in hand, to replay it say, keeps it for this time. */
  private async deleteOld(range: IdRange): Promise<void> {
    const old = this.ago(this.options.keepEventsDays);
    const params: unknown[] = [];
    await this.database.deleteUnlocked({
      table: this.database.tables.event,
      key: 'id',
      // A replay is over when the event is settled again.
      where: `${inRange(range, params)} AND ${PRUNABLE} AND received_at < ${old} AND settled_at < ${old}
        AND (occurred_at IS NULL OR occurred_at < ${old})`,
      params,
    });
  }

  private async dropBodies(range: IdRange): Promise<void> {
    const params: unknown[] = [];
    await this.database.updateUnlocked({
      table: this.database.tables.event,
      key: 'id',
      set: 'payload = NULL',
      where: `${inRange(range, params)} AND ${DONE} AND payload IS NOT NULL
        AND received_at < ${this.ago(this.options.keepBodiesDays)}`,
      params,
    });
  }

  private ago(days: number): string {
    return this.database.in(-days * DAY_MS);
  }
}
