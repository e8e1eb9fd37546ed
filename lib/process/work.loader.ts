import { Injectable } from '@nestjs/common';
import { flagIn, numberIn, optionalFlagIn, optionalNumberIn, timeIn } from '../database/row-values.js';
import { SyncDatabase } from '../database/sync.database.js';
import { waitsOfRecord } from '../inbox/waiting.js';
import type { WaitReason } from '../model/event.js';
import { EVENTS_PER_PASS, type ClaimedRecord, type Mark, type WaitingEvent } from './work.js';

interface RecordRow {
  record_key: Buffer;
  source: string;
  connection_id: string;
  resource: string;
  record_id: string;
  version: unknown;
  fingerprint: string | null;
  fingerprint_revision: unknown;
  deleted_at: unknown;
  saved_at: unknown;
  ticket: unknown;
  newest_event_at: unknown;
  starts: unknown;
  fetch_failures: unknown;
  fetch_failed_ago_ms: unknown;
  fetch_due_in_ms: unknown;
  missing_reads: unknown;
  missing_for_ms: unknown;
}

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

  /** Those that were claimed, by the token. */
  async loadClaimed(recordKeys: readonly Buffer[], leaseToken: string): Promise<ClaimedRecord[]> {
    const { tables, now, dialect } = this.database;
    const params: unknown[] = [leaseToken];
    const rows = await this.database.query<RecordRow>(
      `SELECT record_key, source, connection_id, resource, record_id, version, fingerprint, fingerprint_revision,
         deleted_at, saved_at, ticket, newest_event_at, starts, fetch_failures, missing_reads,
         ${dialect.elapsedMs('fetch_failed_at', now)} AS fetch_failed_ago_ms,
         ${dialect.elapsedMs(now, 'fetch_due_at')} AS fetch_due_in_ms,
         ${dialect.elapsedMs('missing_since', now)} AS missing_for_ms
       FROM ${tables.record} WHERE lease_token = $1 AND ${dialect.isOneOf('record_key', 'digest', recordKeys, params)}`,
      params,
    );
    return rows.map((row) => recordOf(row, leaseToken));
  }

  /**
   * Waiting events by record key in hex, oldest first by the provider's time. One that is not due yet has its place among them,
   * unless it is a replay, which comes in its own time.
   * @param early all of them
   */
  async loadEvents(recordKeys: readonly Buffer[], early: boolean): Promise<Map<string, WaitingEvent[]>> {
    const { tables, dialect, now } = this.database;
    const isSpread = 'replayed_at IS NOT NULL AND wait_reason IS NULL';
    const params: unknown[] = [];
    const rows = await this.database.query<EventRow>(
      `SELECT * FROM (
         SELECT id, record_key, dedupe_key, event_id, type, origin, deletion, occurred_at, received_at, late,
           replayed_at, replay_no, succeeded_by, wait_reason, payload, ticket,
           ROW_NUMBER() OVER (PARTITION BY record_key ORDER BY COALESCE(occurred_at, received_at), id) AS place
         FROM ${tables.event}
         WHERE ${dialect.isOneOf('record_key', 'digest', recordKeys, params)} AND ${waitsOfRecord()}
           ${early ? '' : `AND NOT (${isSpread} AND available_at > ${now})`}) AS event
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
       FROM ${tables.mark} WHERE ${dialect.isOneOf('record_key', 'digest', recordKeys, params)}`,
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

function recordOf(row: RecordRow, leaseToken: string): ClaimedRecord {
  return {
    key: { source: row.source, connectionId: row.connection_id, resource: row.resource, id: row.record_id },
    recordKey: row.record_key,
    leaseToken,
    version: numberIn(row.version),
    fingerprint: row.fingerprint,
    fingerprintRevision: numberIn(row.fingerprint_revision),
    deleted: row.deleted_at !== null,
    savedAt: timeIn(row.saved_at),
    ticket: numberIn(row.ticket),
    newestEventAt: timeIn(row.newest_event_at),
    starts: numberIn(row.starts),
    fetchFailures: numberIn(row.fetch_failures),
    fetchFailedAgoMs: optionalNumberIn(row.fetch_failed_ago_ms),
    fetchDueInMs: optionalNumberIn(row.fetch_due_in_ms),
    missingReads: numberIn(row.missing_reads),
    missingForMs: optionalNumberIn(row.missing_for_ms),
  };
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
