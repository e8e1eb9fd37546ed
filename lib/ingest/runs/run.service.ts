import { randomUUID } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { numberIn } from '../../database/row-values.js';
import { SyncDatabase, type Query } from '../../database/sync.database.js';
import { lockConnection } from '../../inbox/connection-lock.js';
import { notPaused } from '../../inbox/pause.service.js';
import type { ConnectionKey } from '../../model/record.js';
import type { RunKind, RunState } from '../../model/run.js';
import { ResolvedSyncOptions } from '../../sync.options.js';
import type { Progress } from './run.progress.js';
import { runOf, type HeldRun, type Run, type RunRequest, type RunRow } from './run.js';

/** Someone else works on the run, or it was paused or cancelled. */
export class RunLostError extends Error {}

/** Keeps runs: what is to be done, and how far that has come. One process at a time works on a run. */
@Injectable()
export class RunService {
  constructor(
    private readonly database: SyncDatabase,
    @Inject(ResolvedSyncOptions) private readonly options: ResolvedSyncOptions,
  ) {}

  create(
    kind: RunKind,
    connection: ConnectionKey,
    progress: Progress,
    request: RunRequest = {},
  ): Promise<string> {
    return this.database.transaction((query) => this.insert(query, kind, connection, progress, request));
  }

  /**
   * Unless another process has begun one of this kind since, or one is under way. Dry runs do nothing, and keep from nothing.
   * @returns the run's id
   */
  createOnce(
    kind: RunKind,
    connection: ConnectionKey,
    sinceAgoMs: number,
    progress: Progress,
    request: RunRequest = {},
  ): Promise<string | null> {
    const { tables } = this.database;
    return this.database.transaction(async (query) => {
      const params = [connection.source, connection.connectionId];
      await lockConnection(this.database, query, connection);
      const recent = await query<{ request: string }>(
        `SELECT request FROM ${tables.run} WHERE source = $1 AND connection_id = $2 AND kind = $3
           AND (started_at >= ${this.database.in(-sinceAgoMs)} OR state IN ('running', 'paused'))`,
        [...params, kind],
      );
      const isBegun = recent.some((row) => !(JSON.parse(row.request) as RunRequest).dryRun);
      return isBegun ? null : this.insert(query, kind, connection, progress, request);
    });
  }

  /** @throws RangeError if there is no such run */
  async get(id: string): Promise<Run> {
    const run = await this.find(id);
    if (!run) throw new RangeError(`there is no run '${id}'`);
    return run;
  }

  async find(id: string): Promise<Run | null> {
    if (!/^\d{1,18}$/.test(id)) return null;
    const [row] = await this.database.query<RunRow>(`${this.select()} WHERE id = $1`, [id]);
    return row ? runOf(row) : null;
  }

  /** Until a run can be gone on with; null: it is not running, or by someone else. */
  async dueInMs(id: string): Promise<number | null> {
    const { tables, dialect, now } = this.database;
    const [row] = await this.database.query<{ ago_ms: unknown }>(
      `SELECT ${dialect.elapsedMs('due_at', now)} AS ago_ms FROM ${tables.run}
       WHERE id = $1 AND state = 'running' AND lease_token IS NULL`,
      [id],
    );
    return row ? Math.max(0, -numberIn(row.ago_ms)) : null;
  }

  /** A run that is due and that nobody works on, of the sources that this process knows. */
  async claim(): Promise<HeldRun | null> {
    const sources = Object.keys(this.options.sources);
    if (sources.length === 0) return null;
    const { tables, now, dialect } = this.database;
    const params: unknown[] = [];
    const free = `state = 'running' AND due_at <= ${now} AND (lease_token IS NULL OR lease_until < ${now})`;
    const [next] = await this.database.query<{ id: unknown }>(
      `SELECT id FROM ${tables.run} AS run WHERE ${free} AND ${dialect.isOneOf('source', 'text', sources, params)}
         AND ${notPaused(this.database, 'run')} ORDER BY due_at LIMIT 1`,
      params,
    );
    if (!next) return null;
    const leaseToken = randomUUID();
    await this.database.query(
      `UPDATE ${tables.run} SET lease_token = $2, lease_until = ${this.until()} WHERE id = $1 AND ${free}`,
      [next.id, leaseToken],
    );
    const [row] = await this.database.query<RunRow>(`${this.select()} WHERE id = $1 AND lease_token = $2`, [
      next.id,
      leaseToken,
    ]);
    return row ? { ...runOf(row), leaseToken } : null;
  }

  /**
   * Writes progress down, in the transaction in which `store` stores what was read on the way there.
   * @throws RunLostError if it is no longer this process' to work on; nothing is stored then
   */
  save<T>(
    { id, leaseToken }: HeldRun,
    progress: (stored: T) => Progress,
    store: (query: Query) => Promise<T>,
  ): Promise<Progress> {
    const { tables, dialect } = this.database;
    return this.database.transaction(async (query) => {
      const [mine] = await query(
        `SELECT 1 AS held FROM ${tables.run} WHERE id = $1 AND lease_token = $2 AND state = 'running' ${dialect.forUpdate}`,
        [id, leaseToken],
      );
      if (!mine) throw new RunLostError();
      const after = progress(await store(query));
      await query(`UPDATE ${tables.run} SET progress = $2, lease_until = ${this.until()} WHERE id = $1`, [
        id,
        JSON.stringify(after),
      ]);
      return after;
    });
  }

  /** Goes on holding it, in work that saves no progress. @throws RunLostError if it is no longer this process' to work on */
  async hold({ id, leaseToken }: HeldRun): Promise<void> {
    const { tables } = this.database;
    const isHeld = `id = $1 AND lease_token = $2 AND state = 'running'`;
    await this.database.query(`UPDATE ${tables.run} SET lease_until = ${this.until()} WHERE ${isHeld}`, [
      id,
      leaseToken,
    ]);
    const [held] = await this.database.query(`SELECT 1 AS held FROM ${tables.run} WHERE ${isHeld}`, [
      id,
      leaseToken,
    ]);
    if (!held) throw new RunLostError();
  }

  /** Nothing more can be done now. */
  async putOff({ id, leaseToken }: HeldRun, inMs: number): Promise<void> {
    await this.database.query(
      `UPDATE ${this.database.tables.run} SET lease_token = NULL, lease_until = NULL, due_at = ${this.database.in(inMs)}
       WHERE id = $1 AND lease_token = $2`,
      [id, leaseToken],
    );
  }

  async finish({ id, leaseToken }: HeldRun, state: RunState): Promise<void> {
    const { tables, now } = this.database;
    await this.database.query(
      `UPDATE ${tables.run} SET state = $3, finished_at = ${now}, lease_token = NULL, lease_until = NULL
       WHERE id = $1 AND lease_token = $2 AND state = 'running'`,
      [id, leaseToken, state],
    );
  }

  /** What an operator wants. Whoever works on it stops with the page that it is at. Without effect after its end. */
  async change(id: string, to: 'running' | 'paused' | 'cancelled'): Promise<void> {
    const { tables, now } = this.database;
    const finished = to === 'cancelled' ? `, finished_at = ${now}` : '';
    await this.database.query(
      `UPDATE ${tables.run} SET state = $2, lease_token = NULL, lease_until = NULL, due_at = ${now} ${finished}
       WHERE id = $1 AND state IN ('running', 'paused')`,
      [id, to],
    );
  }

  private async insert(
    query: Query,
    kind: RunKind,
    { source, connectionId }: ConnectionKey,
    progress: Progress,
    request: RunRequest,
  ): Promise<string> {
    const { tables, now } = this.database;
    // The token tells the row from any other: not every database returns its id.
    const token = randomUUID();
    await query(
      `INSERT INTO ${tables.run}
         (kind, source, connection_id, state, progress, request, started_at, due_at, lease_token, lease_until)
       VALUES ($1, $2, $3, 'running', $4, $5, ${now}, ${now}, $6, ${now})`,
      [kind, source, connectionId, JSON.stringify(progress), JSON.stringify(request), token],
    );
    const [row] = await query<{ id: unknown }>(`SELECT id FROM ${tables.run} WHERE lease_token = $1`, [
      token,
    ]);
    await query(`UPDATE ${tables.run} SET lease_token = NULL WHERE lease_token = $1`, [token]);
    return String(row!.id);
  }

  private select(): string {
    return `SELECT id, kind, source, connection_id, state, progress, request, started_at, finished_at FROM ${this.database.tables.run}`;
  }

  private until(): string {
    return this.database.in(this.options.leaseMs);
  }
}
