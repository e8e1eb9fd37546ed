import { Injectable } from '@nestjs/common';
import { flagIn, numberIn, optionalFlagIn, optionalNumberIn, timeIn } from '../database/row-values.js';
import { listed } from '../database/statement.js';
import { SyncDatabase } from '../database/sync.database.js';
import type { WaitReason } from '../model/event.js';
import { EVENTS_PER_PASS, type Mark, type WaitingEvent } from './work.js';

interface EventRow {
  id: unknown;
  record_key: Buffer;
  dedupe_key: Buffer;
  event_id: string | null;
  type: string;
  origin: WaitingEvent['origin'];
  deletion: unknown;
  occurred_at: unknown;
  received_at: unknown;
  late: unknown;
  replayed_at: unknown;
  replay_no: unknown;
  succeeded_by: string | null;
  wait_reason: WaitReason | null;
  payload: string | null;
  ticket: unknown;
}

interface MarkRow {
  record_key: Buffer;
  event_id: unknown;
  handler: string;
  state: Mark['state'];
  version: unknown;
  deleted: unknown;
  failed_version: unknown;
  attempts: unknown;
  conflicts: unknown;
  replay_no: unknown;
  due_in_ms: unknown;
  error: string | null;
}

/** Loads what claimed records' passes need, for many records at once. */
@Injectable()
export class WorkLoader {
  constructor(private readonly database: SyncDatabase) {}

  /** Waiting events by record key in hex, oldest first by the provider's time. */
  async loadEvents(recordKeys: readonly Buffer[]): Promise<Map<string, WaitingEvent[]>> {
    const params: unknown[] = [];
    const rows = await this.database.query<EventRow>(
      `SELECT * FROM (
         SELECT id, record_key, dedupe_key, event_id, type, origin, deletion, occurred_at, received_at, late,
           replayed_at, replay_no, succeeded_by, wait_reason, payload, ticket,
           ROW_NUMBER() OVER (PARTITION BY record_key ORDER BY COALESCE(occurred_at, received_at), id) AS place
         FROM ${this.database.tables.event}
         WHERE record_key IN (${listed(params, recordKeys)}) AND state = 'waiting') AS event
       WHERE place <= ${EVENTS_PER_PASS}
       ORDER BY record_key, place`,
      params,
    );
    return grouped(rows, eventOf);
  }

  /** Marks by record key in hex. */
  async loadMarks(recordKeys: readonly Buffer[]): Promise<Map<string, Mark[]>> {
    const { tables, now, dialect } = this.database;
    const params: unknown[] = [];
    const rows = await this.database.query<MarkRow>(
      `SELECT record_key, event_id, handler, state, version, deleted, failed_version, attempts, conflicts, replay_no,
         ${dialect.elapsedMs(now, 'due_at')} AS due_in_ms, error
       FROM ${tables.mark} WHERE record_key IN (${listed(params, recordKeys)})`,
      params,
    );
    return grouped(rows, markOf);
  }
}

function grouped<Row extends { record_key: Buffer }, T>(
  rows: Row[],
  read: (row: Row) => T,
): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const row of rows) {
    const key = row.record_key.toString('hex');
    const group = groups.get(key);
    if (group) group.push(read(row));
    else groups.set(key, [read(row)]);
  }
  return groups;
}

function eventOf(row: EventRow): WaitingEvent {
  return {
    id: String(row.id),
    dedupeKey: row.dedupe_key,
    eventId: row.event_id,
    type: row.type,
    origin: row.origin,
    deletion: flagIn(row.deletion),
    occurredAt: timeIn(row.occurred_at),
    receivedAt: timeIn(row.received_at)!,
    late: optionalFlagIn(row.late),
    replayed: row.replayed_at !== null,
    replayNo: numberIn(row.replay_no),
    succeededBy: row.succeeded_by === null ? [] : (JSON.parse(row.succeeded_by) as string[]),
    waitReason: row.wait_reason,
    payload: row.payload,
    ticket: optionalNumberIn(row.ticket),
  };
}

function markOf(row: MarkRow): Mark {
  return {
    eventId: String(row.event_id),
    handler: row.handler,
    state: row.state,
    version: numberIn(row.version),
    deleted: flagIn(row.deleted),
    failedVersion: numberIn(row.failed_version),
    attempts: numberIn(row.attempts),
    conflicts: numberIn(row.conflicts),
    replayNo: numberIn(row.replay_no),
    dueInMs: optionalNumberIn(row.due_in_ms),
    error: row.error,
  };
}
