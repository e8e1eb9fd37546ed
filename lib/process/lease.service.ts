import { randomUUID } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { milliseconds } from '../entities/statement.js';
import { SyncDatabase } from '../entities/sync.database.js';
import { ResolvedSyncOptions } from '../sync.options.js';
import { WorkLoader } from './work.loader.js';
import type { ClaimedRecord, Work } from './work.js';

/** A record that two workers have not come back from is claimed with no other beside it. */
const SUSPECT_STARTS = 2;

interface RecordRow {
  record_key: Buffer;
  source: string;
  connection_id: string;
  resource: string;
  record_id: string;
  version: number;
  fingerprint: string | null;
  fingerprint_revision: number;
  deleted_at: Date | null;
  newest_event_at: Date | null;
  starts: number;
  fetch_failures: number;
  fetch_failed_ago_ms: number | null;
  fetch_due_in_ms: number | null;
  missing_reads: number;
  missing_for_ms: number | null;
}

/**
 * Decides who may work on a record. A lease is a random token in the record's row: its expiry only permits another
 * claim, and only a changed token stops its owner, who finds out at its next fence.
 */
@Injectable()
export class LeaseService {
  private readonly held = new Set<ClaimedRecord>();

  constructor(
    private readonly database: SyncDatabase,
    private readonly loader: WorkLoader,
    @Inject(ResolvedSyncOptions) private readonly options: ResolvedSyncOptions,
  ) {}

  /**
   * Claims those of the records that have due events and no owner, and loads what their passes need. Records under
   * suspicion of killing workers are left out, unless claimed `alone`; `early` also takes those that are not due yet.
   */
  async claim(
    recordKeys: readonly Buffer[],
    { alone = false, early = false }: { alone?: boolean; early?: boolean } = {},
  ): Promise<Work[]> {
    await this.addMissingRecords(recordKeys);
    const waiting = `EXISTS (SELECT FROM ${this.database.tables.event} AS event
      WHERE event.record_key = record.record_key AND event.state = 'waiting'
      ${early ? '' : `AND event.available_at <= ${this.database.now}`})`;
    return this.claimWhere(recordKeys, `${waiting} ${alone ? '' : `AND starts < ${SUSPECT_STARTS}`}`);
  }

  /** Whether a record is under suspicion of killing workers. */
  isSuspect({ starts }: { starts: number }): boolean {
    return starts >= SUSPECT_STARTS;
  }

  /**
   * Gives a lease back with nothing done. Does not wait for a row that someone has locked: its lease runs out.
   * @param counts the claim counts as one that the worker did not come back from
   */
  async release(record: ClaimedRecord, counts = false): Promise<void> {
    const { tables } = this.database;
    await this.database.query(
      `UPDATE ${tables.record}
       SET lease_token = NULL, lease_until = NULL, starts = GREATEST(starts - $3::int, 0)
       WHERE record_key = (SELECT record_key FROM ${tables.record}
         WHERE record_key = $1 AND lease_token = $2 FOR UPDATE SKIP LOCKED)`,
      [record.recordKey, record.leaseToken, counts ? 0 : 1],
    );
  }

  /** This worker is done with the record, whatever came of it: its lease is no longer renewed. */
  letGo(record: ClaimedRecord): void {
    this.held.delete(record);
  }

  /**
   * Extends the leases that this worker holds. Never waits for a row that is locked: an open fenced transaction is
   * its record's lease by itself.
   */
  async renewHeld(): Promise<void> {
    if (this.held.size === 0) return;
    const { tables, now } = this.database;
    const held = [...this.held];
    await this.database.query(
      `UPDATE ${tables.record} SET lease_until = ${now} + $3 * interval '1 millisecond'
       WHERE record_key IN (
         SELECT record_key FROM ${tables.record}
         WHERE (record_key, lease_token) IN (SELECT * FROM unnest($1::bytea[], $2::uuid[]))
         ORDER BY record_key
         FOR UPDATE SKIP LOCKED)`,
      [held.map((record) => record.recordKey), held.map((record) => record.leaseToken), this.options.leaseMs],
    );
  }

  /** The NOT EXISTS matters: without it the insert waits for whoever has the row open in a transaction. */
  private async addMissingRecords(recordKeys: readonly Buffer[]): Promise<void> {
    const { tables } = this.database;
    await this.database.query(
      `INSERT INTO ${tables.record} (record_key, source, connection_id, resource, record_id)
       SELECT DISTINCT ON (record_key) record_key, source, connection_id, resource, record_id
       FROM ${tables.event} AS event
       WHERE record_key = ANY ($1) AND state = 'waiting'
         AND NOT EXISTS (SELECT FROM ${tables.record} AS record WHERE record.record_key = event.record_key)
       ORDER BY record_key
       ON CONFLICT DO NOTHING`,
      [recordKeys],
    );
  }

  private async claimWhere(recordKeys: readonly Buffer[], condition: string): Promise<Work[]> {
    const { tables, now } = this.database;
    const leaseToken = randomUUID();
    // In one order and past what is locked: claims of overlapping sets neither deadlock nor wait.
    const records = await this.database.query<RecordRow>(
      `UPDATE ${tables.record} AS claimed
       SET lease_token = $2, lease_until = ${now} + $3 * interval '1 millisecond', starts = starts + 1
       WHERE record_key IN (
         SELECT record_key FROM ${tables.record} AS record
         WHERE record_key = ANY ($1) AND (lease_token IS NULL OR lease_until < ${now}) AND ${condition}
         ORDER BY record_key
         FOR UPDATE SKIP LOCKED)
       RETURNING record_key, source, connection_id, resource, record_id, version, fingerprint, fingerprint_revision,
         deleted_at, newest_event_at, starts, fetch_failures, missing_reads,
         ${milliseconds(`${now} - fetch_failed_at`)} AS fetch_failed_ago_ms,
         ${milliseconds(`fetch_due_at - ${now}`)} AS fetch_due_in_ms,
         ${milliseconds(`${now} - missing_since`)} AS missing_for_ms`,
      [recordKeys, leaseToken, this.options.leaseMs],
    );
    if (records.length === 0) return [];
    const keys = records.map((row) => row.record_key);
    // One after the other: the module's second connection is for deliveries.
    const events = await this.loader.loadEvents(keys);
    const marks = await this.loader.loadMarks(keys);
    return records.map((row) => {
      const key = row.record_key.toString('hex');
      const record = recordOf(row, leaseToken);
      this.held.add(record);
      return { record, events: events.get(key) ?? [], marks: marks.get(key) ?? [] };
    });
  }
}

function recordOf(row: RecordRow, leaseToken: string): ClaimedRecord {
  return {
    key: { source: row.source, connectionId: row.connection_id, resource: row.resource, id: row.record_id },
    recordKey: row.record_key,
    leaseToken,
    version: row.version,
    fingerprint: row.fingerprint,
    fingerprintRevision: row.fingerprint_revision,
    deleted: row.deleted_at !== null,
    newestEventAt: row.newest_event_at,
    starts: row.starts,
    fetchFailures: row.fetch_failures,
    fetchFailedAgoMs: row.fetch_failed_ago_ms,
    fetchDueInMs: row.fetch_due_in_ms,
    missingReads: row.missing_reads,
    missingForMs: row.missing_for_ms,
  };
}
