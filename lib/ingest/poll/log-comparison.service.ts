import { Injectable } from '@nestjs/common';
import { numberIn, timeIn } from '../../database/row-values.js';
import { SyncDatabase, type Query } from '../../database/sync.database.js';
import { HandlerRegistry } from '../../handlers/handler.registry.js';
import { IdempotencyService } from '../../inbox/idempotency.service.js';
import type { InboxRow } from '../../inbox/inbox-row.js';
import { waitsOfRecord } from '../../inbox/waiting.js';
import type { IncomingEvent } from '../../model/connector.js';
import type { RecordKey } from '../../model/record.js';
import type { FindingKind } from '../../model/run.js';

/** An event of the log that somebody here wants and that is not in the inbox, or died there. */
export interface LoggedDifference {
  readonly row: InboxRow;
  readonly record: RecordKey;
  readonly recordKey: Buffer;
  readonly kind: FindingKind;
  /** The version of the record that is stored. */
  readonly version: number;
  /** When it was stored; null: never. */
  readonly savedAt: Date | null;
  /** It came, and could not be handled. */
  readonly dead: boolean;
}

/** Compares events of a provider's log with those that have come. */
@Injectable()
export class LogComparisonService {
  constructor(
    private readonly database: SyncDatabase,
    private readonly registry: HandlerRegistry,
    private readonly idempotency: IdempotencyService,
  ) {}

  /** The rows of those events that there are handlers for. */
  wantedRows(
    source: string,
    events: readonly IncomingEvent[],
    resources: readonly string[] | undefined,
  ): InboxRow[] {
    return events
      .map((event) => this.idempotency.loggedRow(source, event, 'reconcile'))
      .filter(({ type, record: { resource } }) => {
        return (resources?.includes(resource) ?? true) && this.registry.wants(source, type, resource);
      });
  }

  async differences(query: Query, rows: readonly InboxRow[]): Promise<LoggedDifference[]> {
    if (rows.length === 0) return [];
    const states = await this.states(query, rows);
    const open = rows.filter(({ dedupeKey }) => {
      const state = states.get(dedupeKey.toString('hex'));
      return state === undefined || state === 'dead';
    });
    const records = await this.records(query, open);
    const onTheirWay = await this.onTheirWay(query, open);
    return open.map((row) => {
      const { record, recordKey } = row;
      const name = recordKey.toString('hex');
      const stored = records.get(name);
      return {
        row,
        record,
        recordKey,
        kind: row.deletion ? 'gone' : stored || onTheirWay.has(name) ? 'stale' : 'missing',
        version: stored ? numberIn(stored.version) : 0,
        savedAt: timeIn(stored?.saved_at),
        dead: states.has(row.dedupeKey.toString('hex')),
      };
    });
  }

  /** Of what has come, the record is known from its first pass on. */
  private async onTheirWay(query: Query, rows: readonly InboxRow[]): Promise<Set<string>> {
    if (rows.length === 0) return new Set();
    const { tables, dialect } = this.database;
    const params: unknown[] = [];
    const keys = rows.map(({ recordKey }) => recordKey);
    const known = await query<{ record_key: Buffer }>(
      `SELECT DISTINCT record_key FROM ${tables.event} WHERE ${dialect.isOneOf('record_key', 'digest', keys, params)} AND ${waitsOfRecord()}`,
      params,
    );
    return new Set(known.map(({ record_key: key }) => key.toString('hex')));
  }

  private async states(query: Query, rows: readonly InboxRow[]): Promise<Map<string, string>> {
    const { tables, dialect } = this.database;
    const params: unknown[] = [];
    const keys = rows.map(({ dedupeKey }) => dedupeKey);
    const known = await query<{ dedupe_key: Buffer; state: string }>(
      `SELECT dedupe_key, state FROM ${tables.event} WHERE ${dialect.isOneOf('dedupe_key', 'digest', keys, params)}`,
      params,
    );
    return new Map(known.map(({ dedupe_key: key, state }) => [key.toString('hex'), state]));
  }

  private async records(query: Query, rows: readonly InboxRow[]): Promise<Map<string, RecordRow>> {
    if (rows.length === 0) return new Map();
    const { tables, dialect } = this.database;
    const params: unknown[] = [];
    const keys = rows.map(({ recordKey }) => recordKey);
    const known = await query<RecordRow>(
      `SELECT record_key, version, saved_at FROM ${tables.record}
       WHERE ${dialect.isOneOf('record_key', 'digest', keys, params)}`,
      params,
    );
    return new Map(known.map((row) => [row.record_key.toString('hex'), row]));
  }
}

interface RecordRow {
  readonly record_key: Buffer;
  readonly version: unknown;
  readonly saved_at: unknown;
}
