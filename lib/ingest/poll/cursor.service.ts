import { randomUUID } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { numberIn, optionalNumberIn } from '../../database/row-values.js';
import { SyncDatabase, type Query } from '../../database/sync.database.js';
import { notPaused } from '../../inbox/pause.service.js';
import type { SourceHealth } from '../../model/health.js';
import type { ConnectionKey } from '../../model/record.js';
import { ResolvedSyncOptions } from '../../sync.options.js';

/** What is walked over: what a provider answers when it is asked, or what it tells by itself. */
export type CursorKind = 'log' | 'stream';

/** The right to walk on over one connection's log or stream, and what is known of the walks before. */
export interface Walk extends ConnectionKey {
  readonly kind: CursorKind;
  readonly token: string;
  readonly position: string | null;
  /** What of the log was wanted on the way there. */
  readonly wanted: readonly string[];
  /** Between two walks; 0: as the options say. */
  readonly everyMs: number;
  readonly failures: number;
  readonly health: SourceHealth;
  /** Since it is; null: always was. */
  readonly healthForMs: number | null;
  /** Since the log was read to its end; null: never. */
  readonly readAgoMs: number | null;
  /** Since a webhook was accepted; null: never. */
  readonly deliveredAgoMs: number | null;
}

/** What a walk leaves behind. */
export interface WalkEnd {
  readonly dueInMs: number;
  readonly everyMs: number;
  readonly failures: number;
  readonly error: string | null;
  readonly health: SourceHealth;
  /** The log has been read to its end. */
  readonly atEnd: boolean;
}

/** Another process walks on: this one was away for too long. */
export class WalkLostError extends Error {}

/** Keeps how far walks have come. One process at a time walks over a connection's log or stream, by a lease that each page renews. */
@Injectable()
export class CursorService {
  constructor(
    private readonly database: SyncDatabase,
    @Inject(ResolvedSyncOptions) private readonly options: ResolvedSyncOptions,
  ) {}

  /** A connection without a cursor is due at once. */
  async ensure(kind: CursorKind, connections: readonly ConnectionKey[]): Promise<void> {
    const { tables, now, dialect } = this.database;
    for (const { source, connectionId } of connections)
      await this.database.query(
        `INSERT INTO ${tables.cursor} (source, connection_id, kind, due_at) VALUES ($1, $2, $3, ${now})
         ${dialect.ignoreClash(['source', 'connection_id', 'kind'])}`,
        [source, connectionId, kind],
      );
  }

  /** Connections that are due, and that nobody walks over. What comes by itself is taken of paused ones too, as deliveries are. */
  async due(kind: CursorKind): Promise<ConnectionKey[]> {
    const rows = await this.database.query<{ source: string; connection_id: string }>(
      `SELECT source, connection_id FROM ${this.database.tables.cursor} AS walk
       WHERE kind = $1 AND due_at <= ${this.database.now} AND ${this.isFree()}
         ${kind === 'log' ? `AND ${notPaused(this.database, 'walk')}` : ''} ORDER BY due_at`,
      [kind],
    );
    return rows.map(({ source, connection_id: connectionId }) => ({ source, connectionId }));
  }

  /**
   * Null: another process walks, or nothing is due.
   * @param early although it is not due
   */
  async claim(
    kind: CursorKind,
    { source, connectionId }: ConnectionKey,
    early: boolean,
  ): Promise<Walk | null> {
    const { tables, now, dialect } = this.database;
    const token = randomUUID();
    const params = [source, connectionId, kind, token];
    await this.database.query(
      `UPDATE ${tables.cursor} SET walk_token = $4, walk_until = ${this.until()}
       WHERE ${OF_CURSOR} AND ${this.isFree()} ${early ? '' : `AND due_at <= ${now}`}`,
      params,
    );
    const [row] = await this.database.query<CursorRow>(
      `SELECT position, wanted, every_ms, failures, health, ${dialect.elapsedMs('health_at', now)} AS health_for_ms,
         ${dialect.elapsedMs('read_at', now)} AS read_ago_ms, ${dialect.elapsedMs('delivered_at', now)} AS delivered_ago_ms
       FROM ${tables.cursor} WHERE ${HELD}`,
      params,
    );
    if (!row) return null;
    return {
      kind,
      source,
      connectionId,
      token,
      position: row.position,
      wanted: row.wanted === null ? [] : (JSON.parse(row.wanted) as string[]),
      everyMs: numberIn(row.every_ms),
      failures: numberIn(row.failures),
      health: row.health,
      healthForMs: optionalNumberIn(row.health_for_ms),
      readAgoMs: optionalNumberIn(row.read_ago_ms),
      deliveredAgoMs: optionalNumberIn(row.delivered_ago_ms),
    };
  }

  /**
   * Moves the cursor, in the transaction in which `store` stores what was read on the way there.
   * @throws WalkLostError if another process walks by now; nothing is stored then
   */
  move<T>(
    walk: Walk,
    position: string,
    wanted: readonly string[],
    store: (query: Query) => Promise<T>,
  ): Promise<T> {
    const { tables, dialect } = this.database;
    const params = paramsOf(walk);
    return this.database.transaction(async (query) => {
      const [mine] = await query(
        `SELECT 1 AS held FROM ${tables.cursor} WHERE ${HELD} ${dialect.forUpdate}`,
        params,
      );
      if (!mine) throw new WalkLostError();
      const stored = await store(query);
      await query(
        `UPDATE ${tables.cursor} SET position = $5, wanted = $6, walk_until = ${this.until()} WHERE ${HELD}`,
        [...params, position, JSON.stringify(wanted)],
      );
      return stored;
    });
  }

  /** Ends a walk. Without effect if another process walks by now. */
  async end(walk: Walk, end: WalkEnd): Promise<void> {
    const { tables, now } = this.database;
    const changed = end.health !== walk.health;
    await this.database.query(
      `UPDATE ${tables.cursor}
       SET walk_token = NULL, walk_until = NULL, due_at = ${this.database.in(end.dueInMs)}, every_ms = $5, failures = $6,
         error = $7, health = $8 ${changed ? `, health_at = ${now}` : ''} ${end.atEnd ? `, read_at = ${now}` : ''}
       WHERE ${HELD}`,
      [...paramsOf(walk), Math.round(end.everyMs), end.failures, end.error, end.health],
    );
  }

  /** For as long as nothing comes. @throws WalkLostError if another process walks by now */
  async renew(walk: Walk): Promise<void> {
    const { tables } = this.database;
    await this.database.query(
      `UPDATE ${tables.cursor} SET walk_until = ${this.until()} WHERE ${HELD}`,
      paramsOf(walk),
    );
    const [mine] = await this.database.query(
      `SELECT 1 AS held FROM ${tables.cursor} WHERE ${HELD}`,
      paramsOf(walk),
    );
    if (!mine) throw new WalkLostError();
  }

  /** What the provider tells by itself comes. */
  async opened(walk: Walk): Promise<void> {
    const { tables, now } = this.database;
    const since = walk.health === 'healthy' ? '' : `, health_at = ${now}`;
    await this.database.query(
      `UPDATE ${tables.cursor} SET health = 'healthy', failures = 0, error = NULL, read_at = ${now} ${since} WHERE ${HELD}`,
      paramsOf(walk),
    );
  }

  /** The next walk over the log is due at once: nothing else tells what happens. */
  async hurry({ source, connectionId }: ConnectionKey): Promise<void> {
    const { tables, now } = this.database;
    await this.database.query(
      `UPDATE ${tables.cursor} SET due_at = ${now} WHERE ${OF_CURSOR} AND due_at > ${now}`,
      [source, connectionId, 'log'],
    );
  }

  private isFree(): string {
    return `(walk_token IS NULL OR walk_until < ${this.database.now})`;
  }

  private until(): string {
    return this.database.in(this.options.leaseMs);
  }
}

const OF_CURSOR = 'source = $1 AND connection_id = $2 AND kind = $3';
const HELD = `${OF_CURSOR} AND walk_token = $4`;

function paramsOf({ source, connectionId, kind, token }: Walk): string[] {
  return [source, connectionId, kind, token];
}

interface CursorRow {
  readonly position: string | null;
  readonly wanted: string | null;
  readonly every_ms: unknown;
  readonly failures: unknown;
  readonly health: SourceHealth;
  readonly health_for_ms: unknown;
  readonly read_ago_ms: unknown;
  readonly delivered_ago_ms: unknown;
}
