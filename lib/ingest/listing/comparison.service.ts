import { Inject, Injectable } from '@nestjs/common';
import { numberIn, timeIn } from '../../database/row-values.js';
import { SyncDatabase, type Query } from '../../database/sync.database.js';
import { waitsOfRecord } from '../../inbox/waiting.js';
import type { ListedRecord } from '../../model/listing.js';
import { recordKeyOf } from '../../model/keys.js';
import type { RecordKey } from '../../model/record.js';
import { ResolvedSyncOptions } from '../../sync.options.js';

/** A listed record, and what is stored of it. */
export interface Compared {
  readonly record: RecordKey;
  readonly recordKey: Buffer;
  /** The version that is stored. */
  readonly version: number;
  /** When it was stored; null: never. */
  readonly savedAt: Date | null;
  readonly listed: ListedRecord;
}

/** A listed record that is not known as it is listed. */
export interface Difference extends Compared {
  /** `unsure`: the listing has less of it, or what is stored says nothing. */
  readonly kind: 'missing' | 'stale' | 'unsure';
}

/** Those that differ, and those that do not. */
export interface Comparison {
  readonly different: readonly Difference[];
  readonly alike: readonly Compared[];
}

/** Compares what is listed with what is stored. */
@Injectable()
export class ComparisonService {
  constructor(
    private readonly database: SyncDatabase,
    @Inject(ResolvedSyncOptions) private readonly options: ResolvedSyncOptions,
  ) {}

  /** Records with waiting events are neither different nor alike: they are on their way. */
  async compare(
    query: Query,
    place: Omit<RecordKey, 'id'>,
    records: readonly ListedRecord[],
  ): Promise<Comparison> {
    const different: Difference[] = [];
    const alike: Compared[] = [];
    if (records.length === 0) return { different, alike };
    const keyed = records.map((each) => ({ each, key: recordKeyOf({ ...place, id: each.id }) }));
    const keys = keyed.map(({ key }) => key);
    const stored = await this.stored(query, keys);
    const waiting = await this.waiting(query, keys);
    for (const { each, key } of keyed) {
      const hex = key.toString('hex');
      if (waiting.has(hex)) continue;
      const row = stored.get(hex);
      const kind = this.kindOf(place, each, row);
      const version = row ? numberIn(row.version) : 0;
      const savedAt = timeIn(row?.saved_at);
      const compared = { record: { ...place, id: each.id }, recordKey: key, version, savedAt, listed: each };
      if (kind) different.push({ ...compared, kind });
      else alike.push(compared);
    }
    return { different, alike };
  }

  private kindOf(
    { source, resource }: Omit<RecordKey, 'id'>,
    { data }: ListedRecord,
    row: RecordRow | undefined,
  ): Difference['kind'] | null {
    if (!row || (numberIn(row.version) === 0 && row.deleted_at === null)) return 'missing';
    if (row.deleted_at !== null) return 'stale';
    const { connector } = this.options.sources[source]!;
    // Adopted, or stored by another meaning of fingerprints: it says nothing about the content.
    const isSilent =
      row.fingerprint === null || numberIn(row.fingerprint_revision) !== connector.fingerprintRevision;
    if (data === null || isSilent) return 'unsure';
    return connector.fingerprint(resource, data) === row.fingerprint ? null : 'stale';
  }

  private async stored(query: Query, keys: readonly Buffer[]): Promise<Map<string, RecordRow>> {
    const { tables, dialect } = this.database;
    const params: unknown[] = [];
    const rows = await query<RecordRow>(
      `SELECT record_key, version, fingerprint, fingerprint_revision, deleted_at, saved_at
       FROM ${tables.record} WHERE ${dialect.isOneOf('record_key', 'digest', keys, params)}`,
      params,
    );
    return new Map(rows.map((row) => [row.record_key.toString('hex'), row]));
  }

  private async waiting(query: Query, keys: readonly Buffer[]): Promise<Set<string>> {
    const { tables, dialect } = this.database;
    const params: unknown[] = [];
    const rows = await query<{ record_key: Buffer }>(
      `SELECT DISTINCT record_key FROM ${tables.event}
       WHERE ${dialect.isOneOf('record_key', 'digest', keys, params)} AND ${waitsOfRecord()}`,
      params,
    );
    return new Set(rows.map(({ record_key: key }) => key.toString('hex')));
  }
}

interface RecordRow {
  readonly record_key: Buffer;
  readonly version: unknown;
  readonly fingerprint: string | null;
  readonly fingerprint_revision: unknown;
  readonly deleted_at: unknown;
  readonly saved_at: unknown;
}
