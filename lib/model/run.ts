/** A piece of work over many records that takes its time, and survives the process that began it. */
export type RunKind = 'backfill' | 'reconcile';

/**
 * Where a run stands. `failed`: it has come to its end, and something of it could not be done; `halted`: more records are
 * gone than is believable, and nothing was done about those.
 */
export type RunState = 'running' | 'paused' | 'completed' | 'failed' | 'halted' | 'cancelled';

/** Where one resource of a run stands. */
export type ResourceState = 'waiting' | 'running' | 'completed' | 'failed';

/**
 * How a record differs:
 * - `missing` the provider has it, and it was not known;
 * - `stale` it was known with another content, or as deleted;
 * - `gone` it was known, and the provider does not have it any more;
 * - `local` it was known as it is, and the host's own row says something else.
 */
export type FindingKind = 'missing' | 'stale' | 'gone' | 'local';

/** Why it was not known. */
export type FindingCause =
  'never-delivered' | 'delivered-but-dead' | 'type-ignored' | 'deleted-unseen' | 'changed-locally';

/** How far a run has come with one resource. */
export interface RunResource {
  readonly state: ResourceState;
  /** Records listed. */
  readonly read: number;
  /** Those of them that were not known as they are, and went to handlers. */
  readonly changed: number;
  /** Why it failed. */
  readonly error: string | null;
}

/** How far a run has come, and after its end what has come of it. */
export interface RunReport {
  readonly id: string;
  readonly kind: RunKind;
  readonly source: string;
  readonly connectionId: string;
  readonly state: RunState;
  readonly startedAt: Date;
  readonly finishedAt: Date | null;
  readonly resources: Readonly<Record<string, RunResource>>;
  /** Records listed per second since it began. */
  readonly perSecond: number;
  /** Milliseconds until all is listed, as far as it can be told from what has been; `null`: it cannot. */
  readonly leftMs: number | null;
  /** What it did not do, in words; empty for a run that is `completed`. */
  readonly notDone: readonly string[];
}
