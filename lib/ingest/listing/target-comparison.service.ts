import { Injectable } from '@nestjs/common';
import { numberIn } from '../../database/row-values.js';
import { listed } from '../../database/statement.js';
import { SyncDatabase, type Query } from '../../database/sync.database.js';
import { HandlerRegistry } from '../../handlers/handler.registry.js';
import type { ChangeHandler, ReadRecord } from '../../handlers/sync-handler.js';
import type { ListedRecord } from '../../model/connector.js';
import { recordKeyOf } from '../../model/keys.js';
import type { RecordKey } from '../../model/record.js';
import { withinTime } from '../../process/within-time.js';
import { showAgainStatement } from '../../process/mark.statements.js';

/** What the host has of some records could not be read. */
export class TargetReadError extends Error {}

/** A page of them is to be told of within this time: a transaction waits for it. */
const MOST_MS = 5_000;

/** A record of which the host's own tables say something else than the handlers that write them would. */
export interface LocalDifference {
  readonly record: RecordKey;
  readonly recordKey: Buffer;
  readonly version: number;
  /** Names of those handlers. */
  readonly handlers: readonly string[];
}

/** Compares listed records with what handlers have made of them, in the host's own tables, where they can tell. */
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
    const telling = this.registry
      .changeHandlers(place.source, place.resource)
      .filter((handler) => handler.differing);
    if (telling.length === 0 || records.length === 0) return [];
    const versions = await this.versions(query, place, records);
    const readable = records.flatMap(({ id, data }) => {
      const version = versions.get(id);
      return data === null || version === undefined ? [] : [{ record: { ...place, id, version }, data }];
    });
    if (readable.length === 0) return [];
    const handlers = new Map<string, string[]>();
    for (const handler of telling) {
      for (const id of await this.differing(handler, readable))
        handlers.set(id, [...(handlers.get(id) ?? []), handler.name]);
    }
    return [...handlers].map(([id, names]) => {
      const record = { ...place, id };
      return { record, recordKey: recordKeyOf(record), version: versions.get(id)!, handlers: names };
    });
  }

  private async differing(handler: ChangeHandler, records: readonly ReadRecord[]): Promise<Set<string>> {
    try {
      return await withinTime(MOST_MS, handler.differing!(records, this.database.host.manager));
    } catch (error) {
      // A host's function: it is told whose, and other resources are compared all the same.
      throw new TargetReadError(`the rows of ${handler.label} could not be read: ${String(error)}`);
    }
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
