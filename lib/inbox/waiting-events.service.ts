import { Inject, Injectable } from '@nestjs/common';
import { numberIn, optionalNumberIn } from '../database/row-values.js';
import type { Statement } from '../database/statement.js';
import { SyncDatabase } from '../database/sync.database.js';
import { eachLane, inGroups, waitingLanes, type Lane } from './lane.statements.js';
import { notPaused } from './pause.service.js';
import type { WaitReason } from '../model/event.js';
import { ResolvedSyncOptions } from '../sync.options.js';
import { waitsOfRecord } from './waiting.js';

/** A record with due events. */
export interface DueRow {
  readonly recordKey: Buffer;
  readonly source: string;
  readonly connectionId: string;
  readonly resource: string;
  /** Claims of it that have had no outcome. */
  readonly starts: number;
  /** The types of its due events, of those looked at. */
  readonly types: readonly string[];
}

/** What one look for due events has found. */
export interface DueRows {
  readonly records: readonly DueRow[];
  /** Of some connection no more were looked at than these. */
  readonly more: boolean;
}

/** Of a connection, however many there are. */
const LEAST_PER_LANE = 100;

/** Answers what waits, and until when. Always by state and due time: ids do not become visible in their order. */
@Injectable()
export class WaitingEventsService {
  constructor(
    private readonly database: SyncDatabase,
    @Inject(ResolvedSyncOptions) private readonly options: ResolvedSyncOptions,
  ) {}

  /** Records that are due and that nobody holds: about `most` events' worth, and of each connection its share. */
  async due(most: number): Promise<DueRows> {
    const known = await this.knownLanes();
    const perLane = Math.max(LEAST_PER_LANE, Math.ceil(most / known.length));
    const records: DueRow[] = [];
    let more = false;
    for (const lanes of inGroups(known)) {
      const due = await this.dueOf(lanes, perLane);
      records.push(...due.records);
      more ||= due.more;
    }
    return { records, more };
  }

  /** Those of these records that have due events, with the types of these. */
  async dueAmong(recordKeys: readonly Buffer[]): Promise<Pick<DueRow, 'recordKey' | 'types'>[]> {
    const { tables, now, dialect } = this.database;
    const params: unknown[] = [];
    const rows = await this.database.query<{ record_key: Buffer; type: string }>(
      `SELECT DISTINCT record_key, type FROM ${tables.event}
       WHERE ${dialect.isOneOf('record_key', 'digest', recordKeys, params)} AND ${waitsOfRecord()} AND available_at <= ${now}`,
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
    for (const lanes of inGroups(await this.knownLanes())) {
      const { sql, params } = this.firstOf(lanes, 1, 'source, connection_id');
      const found = await this.database.query(
        `SELECT 1 AS due FROM (${sql}) AS due WHERE ${notPaused(this.database, 'due')} LIMIT 1`,
        params,
      );
      if (found.length > 0) return true;
    }
    return false;
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
       WHERE record_key IN (${keys.join(', ')}) AND ${waitsOfRecord()} AND available_at <= ${now}`,
      params,
    );
  }

  private async dueOf(lanes: readonly Lane[], perLane: number): Promise<DueRows> {
    const { tables, now } = this.database;
    const { sql, params } = this.firstOf(lanes, perLane, 'record_key, source, connection_id, resource, type');
    const rows = await this.database.query<FoundRow>(
      `SELECT due.record_key, due.source, due.connection_id, due.resource, due.type, MAX(record.starts) AS starts,
         MAX(CASE WHEN record.lease_token IS NULL OR record.lease_until < ${now} THEN 0 ELSE 1 END) AS held, COUNT(*) AS events
       FROM (${sql}) AS due
       LEFT JOIN ${tables.record} AS record ON record.record_key = due.record_key
       WHERE ${notPaused(this.database, 'due')}
       GROUP BY due.record_key, due.source, due.connection_id, due.resource, due.type`,
      params,
    );
    const due = new Map<string, DueRow>();
    const events = new Map<string, number>();
    for (const row of rows) {
      const lane = JSON.stringify([row.source, row.connection_id]);
      events.set(lane, numberIn(row.events) + (events.get(lane) ?? 0));
      if (numberIn(row.held) === 1) continue;
      const key = row.record_key.toString('hex');
      const types = due.get(key)?.types ?? [];
      due.set(key, {
        recordKey: row.record_key,
        source: row.source,
        connectionId: row.connection_id,
        resource: row.resource,
        starts: optionalNumberIn(row.starts) ?? 0,
        types: [...types, row.type],
      });
    }
    // With nothing to do among these, looking again at once would find the same.
    const more = due.size > 0 && [...events.values()].some((looked) => looked >= perLane);
    return { records: [...due.values()], more };
  }

  /** Of sources that this process has. */
  private async knownLanes(): Promise<Lane[]> {
    const lanes = await waitingLanes(this.database);
    return lanes.filter(({ source }) => Object.hasOwn(this.options.sources, source));
  }

  /** Of each lane the due events that come first. */
  private firstOf(lanes: readonly Lane[], perLane: number, columns: string): Statement {
    const due = `available_at <= ${this.database.now}`;
    return eachLane(this.database, lanes, { columns, where: due, order: 'available_at', most: perLane });
  }
}

interface FoundRow {
  readonly record_key: Buffer;
  readonly source: string;
  readonly connection_id: string;
  readonly resource: string;
  readonly type: string;
  readonly starts: unknown;
  readonly held: unknown;
  readonly events: unknown;
}
