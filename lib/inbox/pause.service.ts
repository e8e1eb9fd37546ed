import { Injectable } from '@nestjs/common';
import { whole } from '../database/statement.js';
import { SyncDatabase } from '../database/sync.database.js';
import { SyncClock } from '../sync.clock.js';
import { WAITS } from './waiting.js';

/** What is paused. `connectionId` and `handler` are empty where all are meant. */
export interface Pause {
  readonly source: string;
  readonly connectionId: string;
  readonly handler: string;
}

/** How long a process goes by what it knows of paused handlers. */
const KNOWN_FOR_MS = 1_000;

/**
 * Keeps what an operator has paused, for all processes. A source or connection that is paused is not claimed from; a
 * handler is passed over, and what waits for it waits on. Deliveries are accepted all the same.
 */
@Injectable()
export class PauseService {
  private known?: { handlers: ReadonlySet<string>; at: number };
  /** Pauses and ends of pauses by this process: what was read before the last one counts no more. */
  private edits = 0;

  constructor(
    private readonly database: SyncDatabase,
    private readonly clock: SyncClock,
  ) {}

  async pause({ source, connectionId, handler }: Pause): Promise<void> {
    const { tables, now, dialect } = this.database;
    await this.database.query(
      `INSERT INTO ${tables.pause} (source, connection_id, handler, paused_at) VALUES ($1, $2, $3, ${now})
       ${dialect.ignoreClash(['source', 'connection_id', 'handler'])}`,
      [source, connectionId, handler],
    );
    this.forget();
  }

  /** What waited for a handler is due at once. */
  async resume({ source, connectionId, handler }: Pause): Promise<void> {
    const { tables } = this.database;
    await this.database.query(
      `DELETE FROM ${tables.pause} WHERE source = $1 AND connection_id = $2 AND handler = $3`,
      [source, connectionId, handler],
    );
    this.forget();
    if (handler === '') return;
    await this.makeDue(`state = 'waiting' AND source = $1`, [source]);
  }

  /** Handlers that are not to be called: what this process has said, and others a second ago at the latest. */
  async pausedHandlers(): Promise<ReadonlySet<string>> {
    const now = this.clock.now();
    if (this.known && now - this.known.at < KNOWN_FOR_MS) return this.known.handlers;
    const { edits } = this;
    const rows = await this.database.query<{ handler: string }>(
      `SELECT handler FROM ${this.database.tables.pause} WHERE handler <> ''`,
    );
    if (edits !== this.edits) return this.pausedHandlers();
    this.known = { handlers: new Set(rows.map(({ handler }) => handler)), at: now };
    return this.known.handlers;
  }

  /**
   * Events that a pass has just left for handlers that were paused when it began. Whoever has ended a pause meanwhile has
   * not seen them wait, and so nobody else would make them due.
   */
  async reopenIfResumed(eventIds: readonly string[], handlers: ReadonlySet<string>): Promise<void> {
    const params: unknown[] = [];
    const { tables, dialect } = this.database;
    const left = dialect.isOneOf('id', 'id', eventIds, params);
    const stillPaused = `SELECT COUNT(*) FROM ${tables.pause} WHERE ${dialect.isOneOf('handler', 'text', [...handlers], params)}`;
    await this.makeDue(`${WAITS} AND ${left} AND (${stillPaused}) < ${whole(handlers.size)}`, params);
  }

  /** Those that wait for a paused handler. */
  private async makeDue(condition: string, params: readonly unknown[]): Promise<void> {
    const { tables, now } = this.database;
    await this.database.query(
      `UPDATE ${tables.event} SET available_at = ${now}, wait_reason = NULL
       WHERE wait_reason = 'paused' AND ${condition}`,
      params,
    );
  }

  private forget(): void {
    this.edits += 1;
    this.known = undefined;
  }
}

/** SQL: the row's source and connection are not paused. */
export function notPaused({ tables }: SyncDatabase, alias: string): string {
  return `NOT EXISTS (SELECT 1 FROM ${tables.pause} AS pause WHERE pause.source = ${alias}.source AND pause.handler = ''
    AND (pause.connection_id = '' OR pause.connection_id = ${alias}.connection_id))`;
}
