import { Inject, Injectable } from '@nestjs/common';
import { numberIn, optionalNumberIn } from '../database/row-values.js';
import { listed, whole } from '../database/statement.js';
import { SyncDatabase } from '../database/sync.database.js';
import { notPaused } from './pause.service.js';
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

interface Lane {
  readonly source: string;
  readonly connection_id: string;
}

/** Lanes that one statement looks into. */
const LANES_AT_ONCE = 50;

/** Answers what waits, and until when. Always by state and due time: ids do not become visible in their order. */
@Injectable()
export class WaitingEventsService {
  constructor(
    private readonly database: SyncDatabase,
    @Inject(ResolvedSyncOptions) private readonly options: ResolvedSyncOptions,
  ) {}

  /** Records that are due and that nobody holds; up to `perLane` events' worth from each connection. */
  async due(perLane: number): Promise<DueRow[]> {
    const lanes = await this.database.query<Lane>(this.database.dialect.lanes(this.database.tables.event));
    const known = lanes.filter(({ source }) => Object.hasOwn(this.options.sources, source));
    const due = new Map<string, DueRow>();
    for (let i = 0; i < known.length; i += LANES_AT_ONCE)
      await this.dueOf(known.slice(i, i + LANES_AT_ONCE), perLane, due);
    return [...due.values()];
  }

  /** Those of these records that have due events, with the types of these. */
  async dueAmong(recordKeys: readonly Buffer[]): Promise<Pick<DueRow, 'recordKey' | 'types'>[]> {
    const { tables, now } = this.database;
    const params: unknown[] = [];
    const rows = await this.database.query<{ record_key: Buffer; type: string }>(
      `SELECT DISTINCT record_key, type FROM ${tables.event}
       WHERE record_key IN (${listed(params, recordKeys)}) AND state = 'waiting' AND available_at <= ${now}`,
      params,
    );
    const due = new Map<string, { recordKey: Buffer; types: string[] }>();
    for (const { record_key: recordKey, type } of rows) {
      const key = recordKey.toString('hex');
      const known = due.get(key);
      if (known) known.types.push(type);
      else due.set(key, { recordKey, types: [type] });
    }
    return [...due.values()];
  }

  /** Whether anything is due, held by whomever. */
  async anyDue(): Promise<boolean> {
    const sources = Object.keys(this.options.sources);
    if (sources.length === 0) return false;
    const { tables, now } = this.database;
    const params: unknown[] = [];
    const found = await this.database.query(
      `SELECT 1 AS due FROM ${tables.event} AS event
       WHERE state = 'waiting' AND available_at <= ${now} AND source IN (${listed(params, sources)})
         AND ${notPaused(this.database, 'event')} LIMIT 1`,
      params,
    );
    return found.length > 0;
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
    const params: unknown[] = [waitReason];
    const places = recordKeys.map((key, i) => {
      return `WHEN $${params.push(key)} THEN ${this.database.in(inMs + i * everyMs)}`;
    });
    const keys = recordKeys.map((_, i) => `$${i + 2}`);
    await this.database.query(
      `UPDATE ${tables.event}
       SET wait_reason = $1, available_at = CASE record_key ${places.join(' ')} END
       WHERE record_key IN (${keys.join(', ')}) AND state = 'waiting' AND available_at <= ${now}`,
      params,
    );
  }

  /** Connections with events that have waited for longer than `stuckAfterMs`. */
  async stuck(): Promise<StuckRow[]> {
    const { tables } = this.database;
    const old = `state = 'waiting' AND (wait_reason IS NULL OR wait_reason <> 'paused') AND COALESCE(replayed_at, received_at) < ${this.database.in(-this.options.stuckAfterMs)}`;
    const lanes = await this.database.query<Lane & { count: unknown }>(
      `SELECT source, connection_id, COUNT(*) AS count FROM ${tables.event} AS event
       WHERE ${old} AND ${notPaused(this.database, 'event')}
       GROUP BY source, connection_id`,
    );
    const stuck: StuckRow[] = [];
    for (const { source, connection_id: connectionId, count } of lanes) {
      const oldest = await this.oldest(old, source, connectionId);
      if (oldest) stuck.push({ source, connectionId, count: numberIn(count), ...oldest });
    }
    return stuck;
  }

  private async oldest(condition: string, source: string, connectionId: string) {
    const { tables, dialect, now } = this.database;
    const [row] = await this.database.query<{ id: unknown; age_ms: unknown; wait_reason: string | null }>(
      `SELECT id, ${dialect.elapsedMs('received_at', now)} AS age_ms, wait_reason FROM ${tables.event}
       WHERE source = $1 AND connection_id = $2 AND ${condition} ORDER BY received_at, id LIMIT 1`,
      [source, connectionId],
    );
    return (
      row && { oldestId: String(row.id), oldestAgeMs: numberIn(row.age_ms), waitReason: row.wait_reason }
    );
  }

  /** Connections with records that are held back as too many deletions. */
  async heldBack(): Promise<HeldBackRow[]> {
    const sources = Object.keys(this.options.sources);
    if (sources.length === 0) return [];
    const waitReason: WaitReason = 'delete-cap';
    const params: unknown[] = [waitReason];
    const rows = await this.database.query<Lane & { records: unknown; oldest_id: unknown }>(
      `SELECT source, connection_id, COUNT(DISTINCT record_key) AS records, MIN(id) AS oldest_id
       FROM ${this.database.tables.event}
       WHERE state = 'waiting' AND wait_reason = $1 AND source IN (${listed(params, sources)})
       GROUP BY source, connection_id`,
      params,
    );
    return rows.map(({ source, connection_id: connectionId, records, oldest_id: oldestId }) => {
      return { source, connectionId, records: numberIn(records), oldestId: String(oldestId) };
    });
  }

  private async dueOf(lanes: readonly Lane[], perLane: number, due: Map<string, DueRow>): Promise<void> {
    const { tables, now } = this.database;
    const params: unknown[] = [];
    const ofLanes = lanes.map(
      ({ source, connection_id: connectionId }) => `
        SELECT * FROM (
          SELECT record_key, source, connection_id, resource, type FROM ${tables.event}
          WHERE state = 'waiting' AND source = $${params.push(source)} AND connection_id = $${params.push(connectionId)}
            AND available_at <= ${now}
          ORDER BY available_at LIMIT ${whole(perLane)}) AS lane${params.length}`,
    );
    const rows = await this.database.query<{
      record_key: Buffer;
      source: string;
      connection_id: string;
      resource: string;
      type: string;
      starts: unknown;
      events: unknown;
    }>(
      `SELECT due.record_key, due.source, due.connection_id, due.resource, due.type, MAX(record.starts) AS starts,
         COUNT(*) AS events
       FROM (${ofLanes.join(' UNION ALL ')}) AS due
       LEFT JOIN ${tables.record} AS record ON record.record_key = due.record_key
       WHERE (record.lease_token IS NULL OR record.lease_until < ${now}) AND ${notPaused(this.database, 'due')}
       GROUP BY due.record_key, due.source, due.connection_id, due.resource, due.type`,
      params,
    );
    for (const row of rows) {
      const key = row.record_key.toString('hex');
      const known = due.get(key);
      due.set(key, {
        recordKey: row.record_key,
        source: row.source,
        connectionId: row.connection_id,
        resource: row.resource,
        starts: optionalNumberIn(row.starts) ?? 0,
        events: numberIn(row.events) + (known?.events ?? 0),
        types: [...(known?.types ?? []), row.type],
      });
    }
  }
}
