import type { WaitReason } from '../model/event.js';
import { isConflict } from '../database/database.errors.js';
import { RetryLaterError, UnrecoverableError } from '../sync.errors.js';
import { ConnectionLostError, TransactionEndedError } from './process.errors.js';
import type { Mark } from './work.js';

/** Conflicts in a row that use no attempt; a handler that deadlocks for ever must give up in the end. */
const FREE_CONFLICTS = 20;

/** No wait at all would run the handler again in the same pass, and keep its record for as long as it asks for that. */
const SHORTEST_WAIT_MS = 1;
const LONGEST_WAIT_MS = 366 * 86_400_000;

const MAX_ERROR_LENGTH = 500;

export interface RetryPolicy {
  readonly maxAttempts: number;
  /** Before the attempt after the n-th failed one, jitter included. */
  backoffMs(attempt: number): number;
}

/** A handler's mark before it ever ran. */
export function newMark(eventId: string, handler: string): Mark {
  return {
    eventId,
    handler,
    state: 'failed',
    version: 0,
    deleted: false,
    failedVersion: 0,
    attempts: 0,
    conflicts: 0,
    replayNo: 0,
    dueInMs: null,
    error: null,
  };
}

/** The handler is done: with the event, or with this version of the record. */
export function succeeded(mark: Mark, version: number, deleted: boolean): Mark {
  return {
    ...mark,
    state: 'done',
    version,
    deleted,
    failedVersion: 0,
    attempts: 0,
    conflicts: 0,
    dueInMs: null,
    error: null,
    waitReason: undefined,
  };
}

/** The handler threw: what it threw decides whether an attempt is used, and when the next one is. */
export function failed(mark: Mark, error: unknown, version: number, policy: RetryPolicy): Mark {
  const seen = { ...mark, failedVersion: version, error: describe(error) };
  if (error instanceof UnrecoverableError || error instanceof TransactionEndedError) return dead(seen);
  if (error instanceof RetryLaterError) return waiting(seen, 'retry-later', error.afterMs);
  if ((isConflict(error) || error instanceof ConnectionLostError) && mark.conflicts < FREE_CONFLICTS)
    return waiting({ ...seen, conflicts: mark.conflicts + 1 }, 'conflict', policy.backoffMs(1) / 50);

  const attempts = mark.attempts + 1;
  // One that has given up gets a single attempt at each new version.
  if (mark.state === 'dead' || attempts >= policy.maxAttempts) return dead({ ...seen, attempts });
  return waiting({ ...seen, attempts }, 'retry', policy.backoffMs(attempts));
}

function dead(mark: Mark): Mark {
  return { ...mark, state: 'dead', dueInMs: null, waitReason: undefined };
}

/** `ms` is the host's word, and may be anything. */
function waiting(mark: Mark, waitReason: WaitReason, ms: number): Mark {
  const dueInMs = ms > SHORTEST_WAIT_MS ? Math.min(ms, LONGEST_WAIT_MS) : SHORTEST_WAIT_MS;
  return { ...mark, state: 'failed', waitReason, dueInMs };
}

/** An error in one line for a person. Never its properties, which may carry data. */
export function describe(error: unknown): string {
  const text = textOf(error);
  return text.length > MAX_ERROR_LENGTH ? `${text.slice(0, MAX_ERROR_LENGTH)}…` : text;
}

/** By shape: an error may come from another realm, a worker's or a test runner's, and may be anything at all. */
function textOf(error: unknown): string {
  try {
    const { name, message } = (error ?? {}) as { name?: unknown; message?: unknown };
    if (typeof message === 'string') return `${String(name)}: ${message}`;
  } catch {
    return 'thrown: an error that cannot be read';
  }
  return `thrown: ${typeof error}`;
}
