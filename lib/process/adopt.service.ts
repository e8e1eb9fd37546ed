import type { Type } from '@nestjs/common';
import { Injectable } from '@nestjs/common';
import {
  IsNull,
  MoreThan,
  Not,
  type EntityManager,
  type FindOptionsWhere,
  type ObjectLiteral,
} from 'typeorm';
import { listed } from '../database/statement.js';
import { SyncDatabase } from '../database/sync.database.js';
import { HandlerRegistry } from '../handlers/handler.registry.js';
import { recordKeyOf } from '../model/keys.js';
import { DEFAULT_CONNECTION, type RecordKey } from '../model/record.js';

/** Which rows of the host's stand for records, and for which. */
export interface AdoptOptions<Row extends ObjectLiteral = any> {
  /** The entity whose rows are read, on the module's data source. */
  from: Type<Row>;
  /** The property that holds the record's id. Rows in which it is empty are passed over. */
  key: keyof Row & string;
  /** The connection that they belong to. @default 'default' */
  connectionId?: string;
}

export interface AdoptResult {
  /** Rows read. */
  readonly rows: number;
  /** Records that were not known before. */
  readonly adopted: number;
}

const BATCH = 500;

/**
 * Makes the records known that a host has rows for from before. No handler is called: each counts as having shown them
 * once, so that the next change of such a record is an `updated` and not a `created`.
 */
@Injectable()
export class AdoptService {
  constructor(
    private readonly database: SyncDatabase,
    private readonly registry: HandlerRegistry,
  ) {}

  async adopt<Row extends ObjectLiteral>(
    source: string,
    resource: string,
    { from, key, connectionId = DEFAULT_CONNECTION }: AdoptOptions<Row>,
  ): Promise<AdoptResult> {
    const { manager } = this.database.host;
    let [rows, adopted, after]: [number, number, unknown] = [0, 0, null];
    for (;;) {
      const keys = await keysAfter(manager, from, key, after);
      if (keys.length === 0) return { rows, adopted };
      const ids = keys.map(String).filter((id) => id !== '');
      if (ids.length > 0)
        adopted += await this.know(ids.map((id) => ({ source, connectionId, resource, id })));
      rows += ids.length;
      after = keys.at(-1);
    }
  }

  private know(records: readonly RecordKey[]): Promise<number> {
    const { tables, dialect } = this.database;
    const [{ source, resource }] = records as [RecordKey];
    return this.database.transaction(async (query) => {
      const keyed = records.map((record) => ({ record, recordKey: recordKeyOf(record) }));
      const params: unknown[] = [];
      const keys = keyed.map(({ recordKey }) => recordKey);
      const known = await query<{ record_key: Buffer }>(
        `SELECT record_key FROM ${tables.record} WHERE ${dialect.isOneOf('record_key', 'digest', keys, params)}`,
        params,
      );
      const isKnown = new Set(known.map((row) => row.record_key.toString('hex')));
      const unknown = keyed.filter(({ recordKey }) => !isKnown.has(recordKey.toString('hex')));
      if (unknown.length === 0) return 0;

      const values: unknown[] = [];
      const recordRows = unknown.map(({ record, recordKey }) => {
        const { connectionId, id } = record;
        return `(${listed(values, [recordKey, source, connectionId, resource, id])}, 1)`;
      });
      await query(
        `INSERT INTO ${tables.record} (record_key, source, connection_id, resource, record_id, version)
         VALUES ${recordRows.join(', ')} ${dialect.ignoreClash(['record_key'])}`,
        values,
      );
      for (const { name } of this.registry.changeHandlers(source, resource)) {
        const marks: unknown[] = [];
        const markRows = unknown.map(
          ({ recordKey }) => `(${listed(marks, [recordKey])}, 0, ${listed(marks, [name])}, 'done', 1)`,
        );
        await query(
          `INSERT INTO ${tables.mark} (record_key, event_id, handler, state, version)
           VALUES ${markRows.join(', ')} ${dialect.ignoreClash(['record_key', 'event_id', 'handler'])}`,
          marks,
        );
      }
      return unknown.length;
    });
  }
}

async function keysAfter<Row extends ObjectLiteral>(
  manager: EntityManager,
  from: Type<Row>,
  key: keyof Row & string,
  after: unknown,
): Promise<unknown[]> {
  const rows = await manager.find(from, {
    select: { [key]: true },
    where: { [key]: after === null ? Not(IsNull()) : MoreThan(after) } as FindOptionsWhere<Row>,
    order: { [key]: 'ASC' } as never,
    take: BATCH,
  } as never);
  return rows.map((row) => row[key]);
}
