import { Inject, Injectable } from '@nestjs/common';
import { numberIn, timeIn } from '../database/row-values.js';
import { whole } from '../database/statement.js';
import { SyncDatabase } from '../database/sync.database.js';
import type { SourceHealth } from '../model/health.js';
import type { ConnectionKey } from '../model/record.js';
import type { RunKind, RunState } from '../model/run.js';
import type { ConnectionStatus } from '../model/status.js';
import { ResolvedSyncOptions } from '../sync.options.js';

/** Of how many of the newest events the newest of each resource is looked for. */
const RECENT_EVENTS = 10_000;

/** A backlog of a million is counted for a second, while claims wait. */
const COUNTED_TO = 10_000;

const OF_CONNECTION = 'source = $1 AND connection_id = $2';

/** Tells how sources are. Reads only. */
@Injectable()
export class StatusService {
  constructor(
    private readonly database: SyncDatabase,
    @Inject(ResolvedSyncOptions) private readonly options: ResolvedSyncOptions,
  ) {}

  async status(connections: readonly ConnectionKey[]): Promise<ConnectionStatus[]> {
    const all: ConnectionStatus[] = [];
    for (const connection of connections) all.push(await this.of(connection));
    return all;
  }

  private async of({ source, connectionId }: ConnectionKey): Promise<ConnectionStatus> {
    const { tables } = this.database;
    const params = [source, connectionId];
    const cursors = await this.database.query<CursorRow>(
      `SELECT kind, health, health_at, error, read_at, due_at, delivered_at, walk_token FROM ${tables.cursor} WHERE ${OF_CONNECTION}`,
      params,
    );
    const cursor = cursors.find(({ kind }) => kind === 'log');
    const stream = cursors.find(({ kind }) => kind === 'stream');
    const [pause] = await this.database.query(
      `SELECT 1 AS paused FROM ${tables.pause}
       WHERE source = $1 AND connection_id IN ('', $2) AND handler = '' LIMIT 1`,
      params,
    );
    // In an order that only the index over those has: the one of what waits or is dead is as good by statistics that know of no backlog.
    const [dead] = await this.database.query<{ count: unknown }>(
      `SELECT COUNT(*) AS count FROM (
         SELECT 1 AS dead FROM ${tables.event} WHERE state = 'dead' AND ${OF_CONNECTION}
         ORDER BY source, settled_at LIMIT ${COUNTED_TO}) AS dead`,
      params,
    );
    return {
      source,
      connectionId,
      health: cursor?.health ?? null,
      healthSince: timeIn(cursor?.health_at),
      error: cursor?.error ?? null,
      polledAt: timeIn(cursor?.read_at),
      nextPollAt: timeIn(cursor?.due_at),
      deliveredAt: timeIn(cursor?.delivered_at),
      usage: this.options.sources[source]!.connector.usage?.(connectionId) ?? null,
      stream: stream ? streamStatus(stream) : null,
      paused: pause !== undefined,
      countedTo: COUNTED_TO,
      waiting: await this.waiting(params),
      dead: numberIn(dead!.count),
      newest: await this.newest(params),
      runs: await this.runs(params),
    };
  }

  private async waiting(params: string[]): Promise<ConnectionStatus['waiting']> {
    const rows = await this.database.query<{ wait_reason: string | null; count: unknown; since: unknown }>(
      `SELECT wait_reason, COUNT(*) AS count, MIN(received_at) AS since FROM (
         SELECT wait_reason, received_at FROM ${this.database.tables.event}
         WHERE state = 'waiting' AND ${OF_CONNECTION} ORDER BY available_at LIMIT ${COUNTED_TO}) AS waiting
       GROUP BY wait_reason`,
      params,
    );
    const times = rows.map(({ since }) => timeIn(since)!.getTime());
    return {
      count: rows.reduce((sum, { count }) => sum + numberIn(count), 0),
      since: times.length > 0 ? new Date(Math.min(...times)) : null,
      reasons: Object.fromEntries(
        rows.map(({ wait_reason: reason, count }) => [reason ?? 'due', numberIn(count)]),
      ),
    };
  }

  private async newest(params: string[]): Promise<ConnectionStatus['newest']> {
    const rows = await this.database.query<{ resource: string; newest: unknown }>(
      `SELECT resource, MAX(COALESCE(occurred_at, received_at)) AS newest FROM (
         SELECT source, connection_id, resource, occurred_at, received_at FROM ${this.database.tables.event}
         ORDER BY id DESC LIMIT ${whole(RECENT_EVENTS)}) AS recent
       WHERE ${OF_CONNECTION} GROUP BY resource`,
      params,
    );
    return Object.fromEntries(rows.map(({ resource, newest }) => [resource, timeIn(newest)!]));
  }

  private async runs(params: string[]): Promise<ConnectionStatus['runs']> {
    const { tables } = this.database;
    const rows = await this.database.query<RunRow>(
      `SELECT id, kind, state, started_at, finished_at FROM ${tables.run}
       WHERE id IN (SELECT MAX(id) FROM ${tables.run} WHERE ${OF_CONNECTION} GROUP BY kind) ORDER BY kind`,
      params,
    );
    return rows.map(({ id, kind, state, started_at: startedAt, finished_at: finishedAt }) => {
      return { id: String(id), kind, state, startedAt: timeIn(startedAt)!, finishedAt: timeIn(finishedAt) };
    });
  }
}

function streamStatus(row: CursorRow): ConnectionStatus['stream'] {
  const openedAt = timeIn(row.read_at);
  const open = row.walk_token !== null && row.error === null && openedAt !== null;
  return { open, openedAt, error: row.error };
}

interface CursorRow {
  readonly kind: 'log' | 'stream';
  readonly health: SourceHealth;
  readonly health_at: unknown;
  readonly error: string | null;
  readonly read_at: unknown;
  readonly due_at: unknown;
  readonly delivered_at: unknown;
  readonly walk_token: string | null;
}

interface RunRow {
  readonly id: unknown;
  readonly kind: RunKind;
  readonly state: RunState;
  readonly started_at: unknown;
  readonly finished_at: unknown;
}
