import { randomUUID } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { numberIn, optionalNumberIn, timeIn } from '../database/row-values.js';
import { listed } from '../database/statement.js';
import { SyncDatabase } from '../database/sync.database.js';
import { notPaused } from '../inbox/pause.service.js';
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

/**
 * Decides who may work on a record. A lease is a random token in the record's row: its expiry only permits another
 * claim, and only a changed token stops its owner, who finds out at its next fence.
 */
@Injectable()
export class LeaseService {
  private readonly held = new Set<ClaimedRecord>();
  /** Leases to be given back that could not be, since the database was away. */
  private leftOver: (() => Promise<void>)[] = [];

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
    const waiting = `EXISTS (SELECT 1 FROM ${this.database.tables.event} AS event
      WHERE event.record_key = record.record_key AND event.state = 'waiting'
      ${early ? '' : `AND event.available_at <= ${this.database.now}`})`;
    return this.claimWhere(recordKeys, `${waiting} ${alone ? '' : `AND record.starts < ${SUSPECT_STARTS}`}`);
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
    const starts = counts ? '' : ', starts = CASE WHEN starts > 0 THEN starts - 1 ELSE 0 END';
    await this.database.updateUnlocked({
      table: this.database.tables.record,
      key: 'record_key',
      set: `lease_token = NULL, lease_until = NULL${starts}`,
      where: 'record.record_key = $1 AND record.lease_token = $2',
      params: [record.recordKey, record.leaseToken],
    });
  }

  /** A worker has come back that has lost its lease: its claim does not count as one that it died of. */
  async comeBack({ recordKey }: ClaimedRecord): Promise<void> {
    const discount = () =>
      this.database.updateUnlocked({
        table: this.database.tables.record,
        key: 'record_key',
        set: 'starts = starts - 1',
        // Where somebody has it locked, its outcome counts for all claims before it.
        where: 'record.record_key = $1 AND record.starts > 0',
        params: [recordKey],
      });
    await discount().catch(() => this.leftOver.push(discount));
  }

  /** Of a pass whose outcome could not be written down. Tried again with each sweep. */
  releaseLater(record: ClaimedRecord, counts: boolean): void {
    this.leftOver.push(() => this.release(record, counts));
  }

  async releaseLeftOver(): Promise<void> {
    const { leftOver } = this;
    this.leftOver = [];
    for (const release of leftOver) await release().catch(() => this.leftOver.push(release));
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
    const params: unknown[] = [];
    const held = [...this.held].map(({ recordKey, leaseToken }) => {
      return `(record.record_key = $${params.push(recordKey)} AND record.lease_token = $${params.push(leaseToken)})`;
    });
    await this.database.updateUnlocked({
      table: this.database.tables.record,
      key: 'record_key',
      set: `lease_until = ${this.database.in(this.options.leaseMs)}`,
      where: held.join(' OR '),
      params,
    });
  }

  /** The NOT EXISTS matters: without it the insert waits for whoever has the row open in a transaction. */
  private async addMissingRecords(recordKeys: readonly Buffer[]): Promise<void> {
    const { tables, dialect } = this.database;
    const params: unknown[] = [];
    await this.database.query(
      `INSERT INTO ${tables.record} (record_key, source, connection_id, resource, record_id)
       SELECT record_key, MIN(source), MIN(connection_id), MIN(resource), MIN(record_id)
       FROM ${tables.event} AS event
       WHERE record_key IN (${listed(params, recordKeys)}) AND state = 'waiting'
         AND NOT EXISTS (SELECT 1 FROM ${tables.record} AS record WHERE record.record_key = event.record_key)
       GROUP BY record_key ORDER BY record_key
       ${dialect.ignoreClash(['record_key'])}`,
      params,
    );
  }

  private async claimWhere(recordKeys: readonly Buffer[], condition: string): Promise<Work[]> {
    const leaseToken = randomUUID();
    try {
      return await this.claimAs(leaseToken, recordKeys, condition);
    } catch (error) {
      // The connection may have broken with the leases taken: nobody would know of them until they ran out.
      this.leftOver.push(() => this.giveUp(leaseToken, recordKeys));
      await this.releaseLeftOver();
      throw error;
    }
  }

  private async giveUp(leaseToken: string, recordKeys: readonly Buffer[]): Promise<void> {
    const params: unknown[] = [leaseToken];
    await this.database.updateUnlocked({
      table: this.database.tables.record,
      key: 'record_key',
      set: `lease_token = NULL, lease_until = NULL, starts = CASE WHEN starts > 0 THEN starts - 1 ELSE 0 END`,
      where: `record.record_key IN (${listed(params, recordKeys)}) AND record.lease_token = $1`,
      params,
    });
  }

  private async claimAs(
    leaseToken: string,
    recordKeys: readonly Buffer[],
    condition: string,
  ): Promise<Work[]> {
    const { tables, now } = this.database;
    const params: unknown[] = [leaseToken];
    await this.database.updateUnlocked({
      table: tables.record,
      key: 'record_key',
      set: `lease_token = $1, lease_until = ${this.database.in(this.options.leaseMs)}, starts = starts + 1`,
      where: `record.record_key IN (${listed(params, recordKeys)})
        AND (record.lease_token IS NULL OR record.lease_until < ${now})
        AND ${notPaused(this.database, 'record')} AND ${condition}`,
      params,
    });
    const records = await this.load(recordKeys, leaseToken);
    if (records.length === 0) return [];
    const keys = records.map(({ recordKey }) => recordKey);
    // One after the other: the module's second connection is for deliveries.
    const events = await this.loader.loadEvents(keys);
    const marks = await this.loader.loadMarks(keys);
    return records.map((record) => {
      const key = record.recordKey.toString('hex');
      this.held.add(record);
      return { record, events: events.get(key) ?? [], marks: marks.get(key) ?? [] };
    });
  }

  /** Those that were claimed, by the token. */
  private async load(recordKeys: readonly Buffer[], leaseToken: string): Promise<ClaimedRecord[]> {
    const { tables, now, dialect } = this.database;
    const params: unknown[] = [leaseToken];
    const rows = await this.database.query<RecordRow>(
      `SELECT record_key, source, connection_id, resource, record_id, version, fingerprint, fingerprint_revision,
         deleted_at, saved_at, ticket, newest_event_at, starts, fetch_failures, missing_reads,
         ${dialect.elapsedMs('fetch_failed_at', now)} AS fetch_failed_ago_ms,
         ${dialect.elapsedMs(now, 'fetch_due_at')} AS fetch_due_in_ms,
         ${dialect.elapsedMs('missing_since', now)} AS missing_for_ms
       FROM ${tables.record} WHERE lease_token = $1 AND record_key IN (${listed(params, recordKeys)})`,
      params,
    );
    return rows.map((row) => recordOf(row, leaseToken));
  }
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
