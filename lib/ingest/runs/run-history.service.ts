import { Injectable } from '@nestjs/common';
import { numberIn } from '../../database/row-values.js';
import { SyncDatabase } from '../../database/sync.database.js';
import type { ConnectionKey } from '../../model/record.js';
import type { RunKind, RunState } from '../../model/run.js';
import type { RunRequest } from './run.js';

/** So far back, in runs of one kind and connection. */
const MOST = 200;

interface PastRun {
  readonly agoMs: number;
  readonly state: RunState;
  readonly request: RunRequest;
}

/** Answers when runs began. Dry runs have done nothing, and count for nothing. */
@Injectable()
export class RunHistoryService {
  constructor(private readonly database: SyncDatabase) {}

  /** Since the last one began; null: there was none. */
  async lastAgoMs(kind: RunKind, connection: ConnectionKey): Promise<number | null> {
    const [last] = await this.runs(kind, connection);
    return last?.agoMs ?? null;
  }

  /** Since the last one began that was good for these resources, or for all; null: there was none. */
  async lastGoodAgoMs(
    kind: RunKind,
    connection: ConnectionKey,
    resources: readonly string[] | undefined,
  ): Promise<number | null> {
    const runs = await this.runs(kind, connection);
    const good = runs.find(({ state, request }) => {
      return state === 'completed' && covers(request.resources, resources);
    });
    return good?.agoMs ?? null;
  }

  /** Newest first. */
  private async runs(kind: RunKind, { source, connectionId }: ConnectionKey): Promise<PastRun[]> {
    const { tables, dialect, now } = this.database;
    const rows = await this.database.query<{ ago_ms: unknown; state: RunState; request: string }>(
      `SELECT ${dialect.elapsedMs('started_at', now)} AS ago_ms, state, request FROM ${tables.run}
       WHERE source = $1 AND connection_id = $2 AND kind = $3 ORDER BY id DESC LIMIT ${MOST}`,
      [source, connectionId, kind],
    );
    return rows
      .map((row) => ({
        agoMs: numberIn(row.ago_ms),
        state: row.state,
        request: JSON.parse(row.request) as RunRequest,
      }))
      .filter(({ request }) => !request.dryRun);
  }
}

function covers(done: readonly string[] | undefined, wanted: readonly string[] | undefined): boolean {
  return done === undefined || (wanted?.every((resource) => done.includes(resource)) ?? false);
}
