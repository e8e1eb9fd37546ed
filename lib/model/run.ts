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
