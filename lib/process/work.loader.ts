import { Injectable } from '@nestjs/common';
import { milliseconds } from '../entities/statement.js';
import { SyncDatabase } from '../entities/sync.database.js';
import type { WaitReason } from '../model/event.js';
import { EVENTS_PER_PASS, type Mark, type WaitingEvent } from './work.js';

interface EventRow {
  id: string;
  record_key: Buffer;
  dedupe_key: Buffer;
  event_id: string | null;
  type: string;
  origin: WaitingEvent['origin'];
  deletion: boolean;
  occurred_at: Date | null;
  received_at: Date;
  late: boolean | null;
  replayed_at: Date | null;
  replay_no: number;
  succeeded_by: string | null;
  wait_reason: WaitReason | null;
  payload: string | null;
}

interface MarkRow {
  record_key: Buffer;
  event_id: string;
  handler: string;
  state: Mark['state'];
  version: number;
  deleted: boolean;
  failed_version: number;
  attempts: number;
  conflicts: number;
  replay_no: number;
  due_in_ms: number | null;
  error: string | null;
}

/** Loads what claimed records' passes need, for many records at once. */
@Injectable()
export class WorkLoader {
  constructor(private readonly database: SyncDatabase) {}

  /** Waiting events by record key in hex, oldest first by the provider's time. */
  async loadEvents(recordKeys: readonly Buffer[]): Promise<Map<string, WaitingEvent[]>> {
    const rows = await this.database.query<EventRow>(
      `SELECT * FROM (
         SELECT id, record_key, dedupe_key, event_id, type, origin, deletion, occurred_at, received_at, late,
           replayed_at, replay_no, succeeded_by, wait_reason, payload,
           row_number() OVER (PARTITION BY record_key ORDER BY COALESCE(occurred_at, received_at), id) AS place
         FROM ${this.database.tables.event}
         WHERE record_key = ANY ($1) AND state = 'waiting') AS event
       WHERE place <= ${EVENTS_PER_PASS}
       ORDER BY record_key, place`,
      [recordKeys],
    );
    return grouped(rows, eventOf);
  }

  /** Marks by record key in hex. */
  async loadMarks(recordKeys: readonly Buffer[]): Promise<Map<string, Mark[]>> {
    const rows = await this.database.query<MarkRow>(
      `SELECT record_key, event_id, handler, state, version, deleted, failed_version, attempts, conflicts, replay_no,
         ${milliseconds(`due_at - ${this.database.now}`)} AS due_in_ms, error
       FROM ${this.database.tables.mark} WHERE record_key = ANY ($1)`,
      [recordKeys],
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
    id: row.id,
    dedupeKey: row.dedupe_key,
    eventId: row.event_id,
    type: row.type,
    origin: row.origin,
    deletion: row.deletion,
    occurredAt: row.occurred_at,
    receivedAt: row.received_at,
    late: row.late,
    replayed: row.replayed_at !== null,
    replayNo: row.replay_no,
    succeededBy: row.succeeded_by === null ? [] : (JSON.parse(row.succeeded_by) as string[]),
    waitReason: row.wait_reason,
    payload: row.payload,
  };
}

function markOf(row: MarkRow): Mark {
  return {
    eventId: row.event_id,
    handler: row.handler,
    state: row.state,
    version: row.version,
    deleted: row.deleted,
    failedVersion: row.failed_version,
    attempts: row.attempts,
    conflicts: row.conflicts,
    replayNo: row.replay_no,
    dueInMs: row.due_in_ms,
    error: row.error,
  };
}
