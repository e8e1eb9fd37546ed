import { randomUUID } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { SyncDatabase } from '../database/sync.database.js';
import { notPaused } from '../inbox/pause.service.js';
import { waitsOfRecord } from '../inbox/waiting.js';
import { ResolvedSyncOptions } from '../sync.options.js';
import { WorkLoader } from './work.loader.js';
import type { ClaimedRecord, Work } from './work.js';

/** A record that two workers have not come back from is claimed with no other beside it. */
const SUSPECT_STARTS = 2;

interface ClaimConditions {
  /** Those too that are under suspicion of killing workers. */
  readonly alone?: boolean;
  /** Those too that are not due yet. */
  readonly early?: boolean;
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

  /** Claims those of the records that have due events and no owner, and loads what their passes need. */
  async claim(recordKeys: readonly Buffer[], conditions: ClaimConditions = {}): Promise<Work[]> {
    const leaseToken = randomUUID();
    try {
      return await this.claimAs(leaseToken, recordKeys, conditions);
    } catch (error) {
      // The connection may have broken with the leases taken: nobody would know of them until they ran out.
      this.leftOver.push(() => this.giveUp(leaseToken, recordKeys));
      await this.releaseLeftOver();
      throw error;
    }
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
      set: `lease_until = ${this.leaseEnd}`,
      where: held.join(' OR '),
      params,
    });
  }

  private async giveUp(leaseToken: string, recordKeys: readonly Buffer[]): Promise<void> {
    const { tables, dialect } = this.database;
    const params: unknown[] = [leaseToken];
    const areTheirs = dialect.isOneOf('record.record_key', 'digest', recordKeys, params);
    await this.database.updateUnlocked({
      table: tables.record,
      key: 'record_key',
      set: `lease_token = NULL, lease_until = NULL, starts = CASE WHEN starts > 0 THEN starts - 1 ELSE 0 END`,
      where: `${areTheirs} AND record.lease_token = $1`,
      params,
    });
  }

  private async claimAs(
    leaseToken: string,
    recordKeys: readonly Buffer[],
    conditions: ClaimConditions,
  ): Promise<Work[]> {
    await this.claimNew(leaseToken, recordKeys, conditions);
    await this.claimKnown(leaseToken, recordKeys, conditions);
    const records = await this.loader.loadClaimed(recordKeys, leaseToken);
    if (records.length === 0) return [];
    const keys = records.map(({ recordKey }) => recordKey);
    // One after the other: the module's second connection is for deliveries.
    const events = await this.loader.loadEvents(keys, conditions.early ?? false);
    const marks = await this.loader.loadMarks(keys);
    return records.map((record) => {
      const key = record.recordKey.toString('hex');
      this.held.add(record);
      return { record, events: events.get(key) ?? [], marks: marks.get(key) ?? [] };
    });
  }

  /**
   * Those of which there is no row yet: it comes with its first lease. The NOT EXISTS matters: without it the insert waits for
   * whoever has the row open in a transaction.
   */
  private async claimNew(
    leaseToken: string,
    recordKeys: readonly Buffer[],
    conditions: ClaimConditions,
  ): Promise<void> {
    const { tables, dialect } = this.database;
    const params: unknown[] = [leaseToken];
    await this.database.query(
      `INSERT INTO ${tables.record}
         (record_key, source, connection_id, resource, record_id, lease_token, lease_until, starts)
       SELECT record_key, MIN(source), MIN(connection_id), MIN(resource), MIN(record_id), $1, ${this.leaseEnd}, 1
       FROM ${tables.event} AS event
       WHERE ${dialect.isOneOf('record_key', 'digest', recordKeys, params)} AND ${this.isDue(conditions)}
         AND ${notPaused(this.database, 'event')}
         AND NOT EXISTS (SELECT 1 FROM ${tables.record} AS record WHERE record.record_key = event.record_key)
       GROUP BY record_key ORDER BY record_key
       ${dialect.ignoreClash(['record_key'])}`,
      params,
    );
  }

  private async claimKnown(
    leaseToken: string,
    recordKeys: readonly Buffer[],
    conditions: ClaimConditions,
  ): Promise<void> {
    const { tables, dialect, now } = this.database;
    const params: unknown[] = [leaseToken];
    await this.database.updateUnlocked({
      table: tables.record,
      key: 'record_key',
      set: `lease_token = $1, lease_until = ${this.leaseEnd}, starts = starts + 1`,
      where: `${dialect.isOneOf('record.record_key', 'digest', recordKeys, params)}
        AND (record.lease_token IS NULL OR record.lease_until < ${now})
        ${conditions.alone ? '' : `AND record.starts < ${SUSPECT_STARTS}`}
        AND ${notPaused(this.database, 'record')}
        AND EXISTS (SELECT 1 FROM ${tables.event} AS event
          WHERE event.record_key = record.record_key AND ${this.isDue(conditions)})`,
      params,
    });
  }

  private isDue({ early }: ClaimConditions): string {
    return `${waitsOfRecord('event.')} ${early ? '' : `AND event.available_at <= ${this.database.now}`}`;
  }

  private get leaseEnd(): string {
    return this.database.in(this.options.leaseMs);
  }
}
