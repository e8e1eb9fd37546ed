import { Injectable } from '@nestjs/common';
import { numberIn } from '../../database/row-values.js';
import { listed } from '../../database/statement.js';
import { SyncDatabase, type Query } from '../../database/sync.database.js';
import { HandlerRegistry } from '../../handlers/handler.registry.js';
import type { ListedRecord } from '../../model/connector.js';
import { recordKeyOf } from '../../model/keys.js';
import type { RecordKey } from '../../model/record.js';
import { showAgainStatement } from '../../process/mark.statements.js';

/** A record whose row in the host's own tables is not as its mirror would write it. */
export interface LocalDifference {
  readonly record: RecordKey;
  readonly recordKey: Buffer;
  readonly version: number;
  /** Names of the mirrors. */
  readonly handlers: readonly string[];
}

/** Compares listed records with what mirrors have made of them, in the host's own tables. */
@Injectable()
export class TargetComparisonService {
  constructor(
    private readonly database: SyncDatabase,
    private readonly registry: HandlerRegistry,
  ) {}

  /** @param records those that are known as they are listed */
  async differences(
    query: Query,
    place: Omit<RecordKey, 'id'>,
    records: readonly ListedRecord[],
  ): Promise<LocalDifference[]> {
    const mirrors = this.registry
      .changeHandlers(place.source, place.resource)
      .filter((handler) => handler.differing);
    if (mirrors.length === 0 || records.length === 0) return [];
    const versions = await this.versions(query, place, records);
    const readable = records.flatMap(({ id, data }) => {
      const version = versions.get(id);
      return data === null || version === undefined ? [] : [{ record: { ...place, id, version }, data }];
    });
    if (readable.length === 0) return [];
    const handlers = new Map<string, string[]>();
    for (const mirror of mirrors) {
      for (const id of await mirror.differing!(readable, this.database.host.manager))
        handlers.set(id, [...(handlers.get(id) ?? []), mirror.name]);
    }
    return [...handlers].map(([id, names]) => {
      const record = { ...place, id };
      return { record, recordKey: recordKeyOf(record), version: versions.get(id)!, handlers: names };
    });
  }

  /** Has these handlers shown the records again, as they are. */
  async showAgain(query: Query, differences: readonly LocalDifference[]): Promise<void> {
    for (const { recordKey, handlers } of differences) {
      const { sql, params } = showAgainStatement(this.database, [recordKey], handlers);
      await query(sql, params);
    }
  }

  /** Of those that handlers may have been shown alive. */
  private async versions(
    query: Query,
    place: Omit<RecordKey, 'id'>,
    records: readonly ListedRecord[],
  ): Promise<Map<string, number>> {
    const params: unknown[] = [];
    const keys = records.map(({ id }) => recordKeyOf({ ...place, id }));
    const rows = await query<{ record_id: string; version: unknown }>(
      `SELECT record_id, version FROM ${this.database.tables.record}
       WHERE record_key IN (${listed(params, keys)}) AND version > 0 AND deleted_at IS NULL`,
      params,
    );
    return new Map(rows.map(({ record_id: id, version }) => [id, numberIn(version)]));
  }
}
