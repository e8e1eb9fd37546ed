import { Injectable } from '@nestjs/common';
import { SyncDatabase, type Query } from '../database/sync.database.js';
import { eventIdPrefix } from '../model/keys.js';
import { idRanges, inRange, type IdRange } from './id-ranges.js';

/** Which settled events to replay: all that fit every field given. At least one is required. */
export interface ReplayFilter {
  /** The provider's id of the event. */
  eventId?: string;
  /** The inbox id. */
  id?: string;
  source?: string;
  connectionId?: string;
  resource?: string;
  /** The record's id. */
  recordId?: string;
  /** The exact type of the event. */
  type?: string;
  state?: 'completed' | 'skipped' | 'dead';
  /** Events that this handler has not succeeded with; by its name, or a former one. */
  handler?: string;
  /** Received at or after. */
  since?: Date;
  /** Received before. */
  until?: Date;
}

export interface ReplayOptions {
  /** `'failed'`: those that have not succeeded; `'all'`: every one, with new idempotency keys. @default 'failed' */
  handlers?: 'failed' | 'all';
  /** How many events become due in a second; each sweep takes up those that are (`sweepEveryMs`). @default 100 */
  perSecond?: number;
}

export interface ReplayResult {
  readonly replayed: number;
}

const BATCH = 500;

const ALL: IdRange = { from: 0n, until: 2n ** 63n - 1n };

/** Makes settled events waiting again; not those whose body is gone, which no event handler could be given. */
@Injectable()
export class ReplayService {
  constructor(private readonly database: SyncDatabase) {}

  /** @throws RangeError for a filter that would fit everything, or `perSecond` not above 0 */
  async replay(
    filter: ReplayFilter,
    { handlers = 'failed', perSecond = 100 }: ReplayOptions = {},
  ): Promise<ReplayResult> {
    if (Object.values(filter).every((value) => value === undefined))
      throw new RangeError(
        'replay() without a filter would replay everything: give at least one field, { source } say',
      );
    if (!(perSecond > 0)) throw new RangeError('perSecond must be above 0');

    let replayed = 0;
    for await (const range of this.rangesOf(filter)) {
      let ids: string[];
      let { from } = range;
      do {
        ids = await this.replayBatch(filter, { ...range, from }, handlers, replayed, 1_000 / perSecond);
        replayed += ids.length;
        from = BigInt(ids.at(-1) ?? 0) + 1n;
      } while (ids.length === BATCH);
    }
    return { replayed };
  }

  /** Where such events are to be looked for: all at once where an index leads to them. */
  private async *rangesOf({ id, eventId, state }: ReplayFilter): AsyncGenerator<IdRange> {
    if (id !== undefined || eventId !== undefined) yield ALL;
    else if (state === 'dead') yield* this.rangesOfDead();
    else yield* idRanges(this.database);
  }

  private async *rangesOfDead(): AsyncGenerator<IdRange> {
    // Not of the bare id: for its least a server might go over all events in their order, up to the first that is dead.
    const [row] = await this.database.query<{ first: unknown; last: unknown }>(
      `SELECT MIN(id + 0) AS first, MAX(id + 0) AS last FROM ${this.database.tables.event} WHERE state = 'dead'`,
    );
    const { first, last } = row!;
    if (first === null) return;
    const [from, until] = [BigInt(first as string | number), BigInt(last as string | number) + 1n];
    yield* idRanges(this.database, { from, until });
  }

  private replayBatch(
    filter: ReplayFilter,
    range: IdRange,
    handlers: 'failed' | 'all',
    place: number,
    everyMs: number,
  ): Promise<string[]> {
    const { tables, dialect } = this.database;
    const { where, params } = conditionOf(this.database, filter);
    return this.database.transaction(async (query) => {
      const rows = await query<{ id: unknown; record_key: Buffer }>(
        `SELECT id, record_key FROM ${tables.event}
         WHERE ${inRange(range, params)} AND state <> 'waiting' AND (reason IS NULL OR reason NOT IN ('unstorable', 'erased'))
           AND (payload IS NOT NULL OR event_id IS NULL) AND ${where}
         ORDER BY id LIMIT ${BATCH} ${dialect.forUpdate}`,
        params,
      );
      if (rows.length === 0) return [];
      const ids = rows.map((row) => String(row.id));
      await this.reopen(query, ids, handlers, place * everyMs, everyMs);
      await this.resetRecords(
        query,
        rows.map((row) => row.record_key),
        handlers,
      );
      return ids;
    });
  }

  /** The i-th of them becomes due after `inMs + i * everyMs`. */
  private async reopen(
    query: Query,
    ids: readonly string[],
    handlers: 'failed' | 'all',
    inMs: number,
    everyMs: number,
  ): Promise<void> {
    const { tables, now } = this.database;
    const params: unknown[] = [];
    const times = ids.map((id, i) => `WHEN $${params.push(id)} THEN ${this.database.in(inMs + i * everyMs)}`);
    const places = ids.map((_, i) => `$${i + 1}`);
    await query(
      `UPDATE ${tables.event}
       SET state = 'waiting', settled_at = NULL, reason = NULL, wait_reason = NULL, dead_by = NULL, error = NULL,
         replayed_at = ${now}, available_at = CASE id ${times.join(' ')} END
         ${handlers === 'all' ? ', replay_no = replay_no + 1, succeeded_by = NULL' : ''}
       WHERE id IN (${places.join(', ')})`,
      params,
    );
  }

  private async resetRecords(
    query: Query,
    recordKeys: readonly Buffer[],
    handlers: 'failed' | 'all',
  ): Promise<void> {
    const { tables, dialect } = this.database;
    const all = handlers === 'all';
    const params: unknown[] = [];
    const areTheirs = dialect.isOneOf('record_key', 'digest', recordKeys, params);
    // Change handlers are marked by record: they are shown it again if all shall run, else if they had given up.
    await query(
      `UPDATE ${tables.mark}
       SET state = 'failed', attempts = 0, conflicts = 0, due_at = NULL
         ${all ? ', version = -1, replay_no = replay_no + 1' : ''}
       WHERE event_id = 0 AND ${areTheirs} ${all ? '' : `AND state = 'dead'`}`,
      params,
    );
    // One that a worker has in hand is not waited for: what comes of that is written by the worker.
    await this.database.updateUnlocked(
      {
        table: tables.record,
        key: 'record_key',
        set: 'starts = 0, fetch_failures = 0, fetch_due_at = NULL',
        where: `${areTheirs} AND (starts > 0 OR fetch_failures > 0) AND lease_token IS NULL`,
        params,
      },
      query,
    );
  }
}

function conditionOf({ dialect }: SyncDatabase, filter: ReplayFilter): { where: string; params: unknown[] } {
  const conditions: string[] = [];
  const params: unknown[] = [];
  const add = (sql: (place: string) => string, value: unknown) => {
    if (value !== undefined) conditions.push(sql(`$${params.push(value)}`));
  };
  // By the first half of the unique key: there is no index over the provider's ids.
  if (filter.eventId !== undefined) {
    const prefix = eventIdPrefix(filter.eventId);
    add((at) => `dedupe_key >= ${at}`, Buffer.concat([prefix, Buffer.alloc(8)]));
    add((at) => `dedupe_key <= ${at}`, Buffer.concat([prefix, Buffer.alloc(8, 0xff)]));
  }
  add((at) => `event_id = ${at}`, filter.eventId);
  add((at) => `id = ${at}`, filter.id);
  add((at) => `source = ${at}`, filter.source);
  add((at) => dialect.isText('connection_id', at), filter.connectionId);
  add((at) => dialect.isText('resource', at), filter.resource);
  add((at) => dialect.isText('record_id', at), filter.recordId);
  add((at) => dialect.isText('type', at), filter.type);
  // Not in the words of the indexes over some states: in each range it would be all of theirs that were read.
  add((at) => `COALESCE(state, '') = ${at}`, filter.state);
  // As it stands in the JSON array.
  const handler = filter.handler === undefined ? undefined : JSON.stringify(filter.handler);
  add((at) => `NOT ${dialect.includes('succeeded_by', at)}`, handler);
  add((at) => `received_at >= ${at}`, filter.since);
  add((at) => `received_at < ${at}`, filter.until);
  return { where: conditions.join(' AND '), params };
}
