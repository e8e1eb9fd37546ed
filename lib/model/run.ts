/**
 * A piece of work over many records that takes its time, and survives the process that began it. `reconcile` compares with
 * listings, `reconcile-log` with the provider's log of changes.
 */
export type RunKind = 'backfill' | 'reconcile' | 'reconcile-log' | 'project';

/** What the calls of such a run are for, and under which origin its events stand. */
export function purposeOf(kind: RunKind): 'backfill' | 'reconcile' | 'project' {
  return kind === 'reconcile-log' ? 'reconcile' : kind;
}

/**
 * Where a run stands. `failed`: it has come to its end, and something of it could not be done; `halted`: more records are
 * gone than is believable, and nothing was done about those.
 */
export type RunState = 'running' | 'paused' | 'completed' | 'failed' | 'halted' | 'cancelled';

/** Where one resource of a run stands. `halted`: listed, and more of it is gone than is believable. */
export type ResourceState = 'waiting' | 'running' | 'completed' | 'failed' | 'halted';

/**
 * How a record differs:
 * - `missing` the provider has it, and it was not known;
 * - `stale` it was known with another content, or as deleted; or an event about it was not known, or not handled;
 * - `gone` it was known, and the provider does not have it any more, or an event about that was not known;
 * - `local` it was known as it is, and the row that was made from it, in the host's tables or at a target, says something else.
 */
export type FindingKind = 'missing' | 'stale' | 'gone' | 'local';

/** Why it was not known. */
export type FindingCause =
  'never-delivered' | 'delivered-but-dead' | 'type-ignored' | 'deleted-unseen' | 'changed-locally';

/** How far a run has come with one resource. */
export interface RunResource {
  readonly state: ResourceState;
  /** Records listed, or events read. */
  readonly read: number;
  /** Those of them that were not known as they are, and went to handlers. */
  readonly changed: number;
  /** Why it failed. */
  readonly error: string | null;
}

/** What a reconciliation has found of one resource. */
export interface ResourceFindings {
  readonly missing: number;
  readonly stale: number;
  readonly gone: number;
  readonly local: number;
  /** Those of them that are as they should be by now. */
  readonly repaired: number;
  /** How many for which reason. */
  readonly causes: Readonly<Partial<Record<FindingCause, number>>>;
  /** Since when the first of them has differed, as far as that is known. */
  readonly since: Date | null;
}

/** One record that a reconciliation has found to differ. */
export interface Finding {
  readonly resource: string;
  readonly recordId: string;
  readonly kind: FindingKind;
  readonly cause: FindingCause;
  /** When it was last known to be right; of a missing one, `null`. */
  readonly since: Date | null;
  readonly repaired: boolean;
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
  /** By resource; of a `reconcile-log`, all events under `'*'`. */
  readonly resources: Readonly<Record<string, RunResource>>;
  /** Of a reconciliation, by resource: what it has found so far. Empty: everything was as it should be. */
  readonly findings: Readonly<Record<string, ResourceFindings>>;
  /** Records listed per second since it began. */
  readonly perSecond: number;
  /**
   * Milliseconds until all is listed, as if records had come into being evenly over time: a guess. `null`: not even that.
   */
  readonly leftMs: number | null;
  /**
   * What is not done, in words, as it is now. Of a run that is `completed` these can only be records that wait for a
   * handler's next try, or died since: everything was listed, and given to handlers.
   */
  readonly notDone: readonly string[];
}
