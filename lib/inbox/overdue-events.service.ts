import { Inject, Injectable } from '@nestjs/common';
import { numberIn } from '../database/row-values.js';
import { SyncDatabase } from '../database/sync.database.js';
import type { WaitReason } from '../model/event.js';
import { ResolvedSyncOptions } from '../sync.options.js';
import { eachLane, heldLanes, inGroups, waitingLanes, type Lane, type LaneLook } from './lane.statements.js';
import { notPaused } from './pause.service.js';

/** Events that have waited too long, by connection. */
export interface StuckRow {
  readonly source: string;
  readonly connectionId: string;
  readonly count: number;
  /** There may be more: no more were counted. */
  readonly isAtLeast: boolean;
  readonly oldestId: string;
  readonly oldestAgeMs: number;
  readonly waitReason: string | null;
}

/** Records whose deletion is not believed, by connection. */
export interface HeldBackRow {
  readonly source: string;
  readonly connectionId: string;
  readonly records: number;
  readonly isAtLeast: boolean;
  readonly oldestId: string;
}

/** It is enough to know that they are many. */
const MOST = 100;

/** Answers what a person should know to wait. What it costs does not grow with a backlog. */
@Injectable()
export class OverdueEventsService {
  constructor(
    private readonly database: SyncDatabase,
    @Inject(ResolvedSyncOptions) private readonly options: ResolvedSyncOptions,
  ) {}

  /**
   * Connections with events that have waited for longer than `stuckAfterMs`: due for so long and not looked at, or known for so
   * long and held up by something other than a pause.
   */
  async stuck(): Promise<StuckRow[]> {
    const ago = this.database.in(-this.options.stuckAfterMs);
    const columns = 'source, connection_id, wait_reason, id, received_at';
    const found = [
      ...(await this.found(await waitingLanes(this.database), {
        columns,
        where: `available_at < ${ago}`,
        order: 'available_at',
        most: MOST,
        only: 'wait_reason IS NULL',
      })),
      ...(await this.found(
        (await heldLanes(this.database)).filter(({ wait_reason: reason }) => reason !== PAUSED),
        {
          columns,
          where: `received_at < ${ago} AND (replayed_at IS NULL OR replayed_at < ${ago})`,
          order: 'received_at',
          most: MOST,
        },
      )),
    ];
    const stuck = new Map<string, StuckRow>();
    for (const row of found) {
      const key = JSON.stringify([row.source, row.connectionId]);
      const known = stuck.get(key);
      stuck.set(key, known ? together(known, row) : row);
    }
    return [...stuck.values()];
  }

  /** Connections with records that are held back as too many deletions. */
  async heldBack(): Promise<HeldBackRow[]> {
    const lanes = (await heldLanes(this.database)).filter(
      ({ source, wait_reason: reason }) =>
        reason === DELETE_CAP && Object.hasOwn(this.options.sources, source),
    );
    const heldBack: HeldBackRow[] = [];
    for (const group of inGroups(lanes)) {
      const { sql, params } = eachLane(this.database, group, {
        columns: 'source, connection_id, record_key, id',
        where: '1 = 1',
        order: 'received_at',
        most: MOST,
      });
      const rows = await this.database.query<
        Lane & { records: unknown; events: unknown; oldest_id: unknown }
      >(
        `SELECT source, connection_id, COUNT(DISTINCT record_key) AS records, COUNT(*) AS events, MIN(id) AS oldest_id
         FROM (${sql}) AS held GROUP BY source, connection_id`,
        params,
      );
      heldBack.push(
        ...rows.map((row) => ({
          source: row.source,
          connectionId: row.connection_id,
          records: numberIn(row.records),
          isAtLeast: numberIn(row.events) >= MOST,
          oldestId: String(row.oldest_id),
        })),
      );
    }
    return heldBack;
  }

  private async found(lanes: readonly Lane[], look: LaneLook): Promise<StuckRow[]> {
    const { dialect, now } = this.database;
    const found: StuckRow[] = [];
    for (const group of inGroups(lanes)) {
      const { sql, params } = eachLane(this.database, group, look);
      const rows = await this.database.query<FoundRow>(
        `SELECT source, connection_id, wait_reason, COUNT(*) AS count, MIN(id) AS oldest_id,
           ${dialect.elapsedMs('MIN(received_at)', now)} AS age_ms
         FROM (${sql}) AS found WHERE ${notPaused(this.database, 'found')}
         GROUP BY source, connection_id, wait_reason`,
        params,
      );
      found.push(
        ...rows.map((row) => ({
          source: row.source,
          connectionId: row.connection_id,
          count: numberIn(row.count),
          isAtLeast: numberIn(row.count) >= MOST,
          oldestId: String(row.oldest_id),
          oldestAgeMs: numberIn(row.age_ms),
          waitReason: row.wait_reason,
        })),
      );
    }
    return found;
  }
}

const PAUSED: WaitReason = 'paused';
const DELETE_CAP: WaitReason = 'delete-cap';

interface FoundRow extends Lane {
  readonly wait_reason: string | null;
  readonly count: unknown;
  readonly oldest_id: unknown;
  readonly age_ms: unknown;
}

/** Of one connection. */
function together(one: StuckRow, other: StuckRow): StuckRow {
  const oldest = one.oldestAgeMs >= other.oldestAgeMs ? one : other;
  return { ...oldest, count: one.count + other.count, isAtLeast: one.isAtLeast || other.isAtLeast };
}
