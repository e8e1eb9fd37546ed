import { Inject, Injectable } from '@nestjs/common';
import { SyncDatabase } from '../entities/sync.database.js';
import type { WaitReason } from '../model/event.js';
import { ResolvedSyncOptions } from '../sync.options.js';

/** A record with due events. */
export interface DueRow {
  readonly recordKey: Buffer;
  readonly source: string;
  readonly connectionId: string;
  readonly resource: string;
  /** Claims of it that have had no outcome. */
  readonly starts: number;
  /** Its due events, of those looked at. */
  readonly events: number;
  /** Their types. */
  readonly types: readonly string[];
}

/** Events that have waited too long, by connection. */
export interface StuckRow {
  readonly source: string;
  readonly connectionId: string;
  readonly count: number;
  readonly oldestId: string;
  readonly oldestAgeMs: number;
  readonly waitReason: string | null;
}

/** Records whose deletion is not believed, by connection. */
export interface HeldBackRow {
  readonly source: string;
  readonly connectionId: string;
  readonly records: number;
  readonly oldestId: string;
}

/** Answers what waits, and until when. Always by state and due time: ids do not become visible in their order. */
@Injectable()
export class WaitingEventsService {
  constructor(
    private readonly database: SyncDatabase,
    @Inject(ResolvedSyncOptions) private readonly options: ResolvedSyncOptions,
  ) {}

  /** Records that are due and that nobody holds; up to `perLane` events' worth from each connection. */
  async due(perLane: number): Promise<DueRow[]> {
    const { tables, now } = this.database;
    const first = `SELECT source, connection_id FROM ${tables.event} WHERE state = 'waiting'`;
    // Steps from lane to lane through the index: what it costs depends on how many there are, not on the backlog.
    return this.database.query<DueRow>(
      `WITH RECURSIVE lane AS (
         (${first} ORDER BY source, connection_id LIMIT 1)
         UNION ALL
         SELECT next.source, next.connection_id FROM lane, LATERAL (
           ${first} AND (source, connection_id) > (lane.source, lane.connection_id)
           ORDER BY source, connection_id LIMIT 1) AS next)
       SELECT due.record_key AS "recordKey", lane.source, lane.connection_id AS "connectionId", due.resource,
         COALESCE(max(record.starts), 0) AS starts, count(*)::int AS events, array_agg(DISTINCT due.type) AS types
       FROM lane
       CROSS JOIN LATERAL (
         SELECT record_key, resource, type FROM ${tables.event}
         WHERE state = 'waiting' AND source = lane.source AND connection_id = lane.connection_id
           AND available_at <= ${now}
         ORDER BY available_at LIMIT $1) AS due
       LEFT JOIN ${tables.record} AS record ON record.record_key = due.record_key
       WHERE lane.source = ANY ($2) AND (record.lease_token IS NULL OR record.lease_until < ${now})
       GROUP BY due.record_key, lane.source, lane.connection_id, due.resource`,
      [perLane, Object.keys(this.options.sources)],
    );
  }

  /** Those of these records that have due events, with the types of these. */
  dueAmong(recordKeys: readonly Buffer[]): Promise<Pick<DueRow, 'recordKey' | 'types'>[]> {
    const { tables, now } = this.database;
    return this.database.query(
      `SELECT record_key AS "recordKey", array_agg(DISTINCT type) AS types FROM ${tables.event}
       WHERE record_key = ANY ($1) AND state = 'waiting' AND available_at <= ${now}
       GROUP BY record_key`,
      [recordKeys],
    );
  }

  /** Whether anything is due, held by whomever. */
  async anyDue(): Promise<boolean> {
    const { tables, now } = this.database;
    const [row] = await this.database.query<{ due: boolean }>(
      `SELECT EXISTS (SELECT FROM ${tables.event}
         WHERE state = 'waiting' AND available_at <= ${now} AND source = ANY ($1)) AS due`,
      [Object.keys(this.options.sources)],
    );
    return row!.due;
  }

  /**
   * Puts due events off: the i-th of the records (from 0) becomes due after `inMs + i * everyMs`, so that they do not
   * all come back at once.
   */
  async postpone(
    recordKeys: readonly Buffer[],
    waitReason: WaitReason,
    inMs: number,
    everyMs: number,
  ): Promise<void> {
    const { tables, now } = this.database;
    await this.database.query(
      `UPDATE ${tables.event} AS event
       SET wait_reason = $2,
         available_at = ${now} + ($3::float8 + (v.place - 1) * $4::float8) * interval '1 millisecond'
       FROM unnest($1::bytea[]) WITH ORDINALITY AS v (key, place)
       WHERE event.record_key = v.key AND event.state = 'waiting' AND event.available_at <= ${now}`,
      [recordKeys, waitReason, inMs, everyMs],
    );
  }

  /** Connections with events that have waited for longer than `stuckAfterMs`. */
  stuck(): Promise<StuckRow[]> {
    const { tables, now } = this.database;
    return this.database.query<StuckRow>(
      `SELECT source, connection_id AS "connectionId", count(*)::int AS count,
         (array_agg(id ORDER BY received_at))[1] AS "oldestId",
         (EXTRACT(EPOCH FROM ${now} - min(received_at)) * 1000)::float8 AS "oldestAgeMs",
         (array_agg(wait_reason ORDER BY received_at))[1] AS "waitReason"
       FROM ${tables.event}
       WHERE state = 'waiting' AND COALESCE(replayed_at, received_at) < ${now} - $1 * interval '1 millisecond'
       GROUP BY source, connection_id`,
      [this.options.stuckAfterMs],
    );
  }

  /** Connections with records that are held back as too many deletions. */
  heldBack(): Promise<HeldBackRow[]> {
    const { tables } = this.database;
    const waitReason: WaitReason = 'delete-cap';
    return this.database.query<HeldBackRow>(
      `SELECT source, connection_id AS "connectionId", count(DISTINCT record_key)::int AS records,
         min(id) AS "oldestId"
       FROM ${tables.event}
       WHERE state = 'waiting' AND wait_reason = $1 AND source = ANY ($2)
       GROUP BY source, connection_id`,
      [waitReason, Object.keys(this.options.sources)],
    );
  }
}
