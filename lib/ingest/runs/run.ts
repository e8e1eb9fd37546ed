import { timeIn } from '../../database/row-values.js';
import type { ConnectionKey } from '../../model/record.js';
import type { RunKind, RunState } from '../../model/run.js';
import type { Progress } from './run.progress.js';

/** How a run is to be done. */
export interface RunRequest {
  /** Nothing is to be changed. */
  readonly dryRun?: boolean;
  /** However many records are gone, each is looked for. */
  readonly believeDeletions?: boolean;
  /** For whom alone it is, by its name in the database. */
  readonly handler?: string;
  /** About which alone. */
  readonly resources?: readonly string[];
}

/** A run as it stands in its row. */
export interface Run extends ConnectionKey {
  readonly id: string;
  readonly kind: RunKind;
  readonly state: RunState;
  readonly progress: Progress;
  readonly request: RunRequest;
  readonly startedAt: Date;
  readonly finishedAt: Date | null;
}

/** A run that this process works on. */
export interface HeldRun extends Run {
  readonly leaseToken: string;
}

/** The row. */
export interface RunRow {
  readonly id: unknown;
  readonly kind: RunKind;
  readonly source: string;
  readonly connection_id: string;
  readonly state: RunState;
  readonly progress: string;
  readonly request: string;
  readonly started_at: unknown;
  readonly finished_at: unknown;
}

export function runOf(row: RunRow): Run {
  return {
    id: String(row.id),
    kind: row.kind,
    source: row.source,
    connectionId: row.connection_id,
    state: row.state,
    progress: JSON.parse(row.progress) as Progress,
    request: JSON.parse(row.request) as RunRequest,
    startedAt: timeIn(row.started_at)!,
    finishedAt: timeIn(row.finished_at),
  };
}
