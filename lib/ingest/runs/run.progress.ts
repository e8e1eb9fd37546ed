import type { ListedResource } from '../../model/listing.js';
import type { ResourceState } from '../../model/run.js';

/** A part of a listing that is walked over for itself, newest first. Times are epoch milliseconds. */
export interface Slice {
  readonly from: number | null;
  readonly to: number | null;
  /** Where to go on; null: at the beginning. */
  readonly page: string | null;
  /** The ticket by which the records of its last page are ordered. Missing: there was none. */
  readonly ticket?: string;
  /** There is nothing more to be read before. */
  readonly dueAt?: number | null;
  /** Everything younger is listed. */
  readonly reached: number | null;
  readonly done: boolean;
}

export interface ResourceProgress {
  readonly state: ResourceState;
  readonly slices: readonly Slice[];
  readonly read: number;
  readonly changed: number;
  /** Of a reconciliation: what is gone has been looked for. */
  readonly compared?: boolean;
  /** Calls that failed since the last that did not. */
  readonly failures: number;
  readonly error: string | null;
}

/** How far a run has come, as it stands in its row. By resource, parents first. */
export type Progress = Readonly<Record<string, ResourceProgress>>;

/** Pages of one resource that are asked for at once. */
const SLICES = 4;

const DAY_MS = 86_400_000;

/** Where a listing without bounds is cut, in days before now: younger records are more. */
const CUTS_IN_DAYS = [30, 180, 730];

export function newProgress(
  resources: readonly ListedResource[],
  { from, to, now }: { readonly from: number | null; readonly to: number | null; readonly now: number },
): Progress {
  return Object.fromEntries(
    resources.map(({ resource, byTime }): [string, ResourceProgress] => {
      const bounds = byTime ? cuts(from, to, now) : [from, to];
      const slices = bounds.slice(1).map((end, i): Slice => {
        return { from: bounds[i]!, to: end, page: null, reached: null, done: false };
      });
      return [resource, { state: 'waiting', slices, read: 0, changed: 0, failures: 0, error: null }];
    }),
  );
}

/** Under which a log stands, which is about all resources. */
const ALL = '*';

/** @param from null: from where the log begins */
export function logProgress(from: number | null): Progress {
  const slice: Slice = { from, to: null, page: null, reached: null, done: false };
  const all = { state: 'waiting', slices: [slice], read: 0, changed: 0, failures: 0, error: null } as const;
  // A log says what is gone: nothing is to be looked for.
  return { [ALL]: { ...all, compared: true } };
}

/** The bounds of slices, from one to the next. */
function cuts(from: number | null, to: number | null, now: number): (number | null)[] {
  const end = to ?? now;
  const inner =
    from === null
      ? CUTS_IN_DAYS.map((days) => now - days * DAY_MS)
      : Array.from({ length: SLICES - 1 }, (_, i) => from + ((end - from) * (i + 1)) / SLICES);
  const between = inner.filter((cut) => cut < end && (from === null || cut > from)).sort((a, b) => a - b);
  // Open at the end: what comes into being meanwhile is listed, or brought by an event.
  return [from, ...between, to];
}

/** The resource that is the next one to be listed, with the slices to go on with, or when there will be one. */
export function nextPages(
  progress: Progress,
  now: number,
): { resource: string; slices: number[]; dueInMs: number } | null {
  for (const [resource, { state, slices }] of Object.entries(progress)) {
    if (state !== 'waiting' && state !== 'running') continue;
    const open = slices.flatMap(({ done }, i) => (done ? [] : [i])).slice(0, SLICES);
    const dueIn = (slice: number) => Math.max(0, (slices[slice]!.dueAt ?? now) - now);
    return {
      resource,
      slices: open.filter((slice) => dueIn(slice) === 0),
      dueInMs: Math.min(...open.map(dueIn)),
    };
  }
  return null;
}

export function withPage(
  progress: Progress,
  resource: string,
  slice: number,
  page: {
    readonly next: string | null;
    readonly reached: Date | null;
    readonly read: number;
    readonly changed: number;
    readonly ticket: string;
    readonly dueAt: number | null;
  },
): Progress {
  const before = progress[resource]!;
  const slices = before.slices.map((each, i) => {
    if (i !== slice) return each;
    const reached = page.reached?.getTime() ?? each.reached;
    const { next, ticket, dueAt } = page;
    return { ...each, page: next, ticket, dueAt, reached, done: next === null };
  });
  const after: ResourceProgress = {
    ...before,
    slices,
    state: slices.every(({ done }) => done) ? 'completed' : 'running',
    read: before.read + page.read,
    changed: before.changed + page.changed,
    failures: 0,
    error: null,
  };
  return { ...progress, [resource]: after };
}

/** @param gaveUp it is not tried again */
export function withFailure(progress: Progress, resource: string, error: string, gaveUp: boolean): Progress {
  const before = progress[resource]!;
  const state = gaveUp ? 'failed' : before.state;
  return { ...progress, [resource]: { ...before, state, failures: before.failures + 1, error } };
}

/** @param halted more of it is gone than is believable, and why that is so */
export function withCompared(progress: Progress, resource: string, halted: string | null): Progress {
  const before = progress[resource]!;
  const state = halted === null ? before.state : 'halted';
  return { ...progress, [resource]: { ...before, state, compared: true, error: halted } };
}

/** How much of the time that it spans is listed, from 0 to 1; null where that says nothing. */
export function shareOf(progress: Progress, earliest: number, now: number): number | null {
  let [all, done] = [0, 0];
  for (const { state, slices } of Object.values(progress)) {
    for (const { from, to, reached, done: isDone } of slices) {
      const [begin, end] = [from ?? earliest, to ?? now];
      const span = Math.max(end - begin, 1);
      all += span;
      if (isDone || state === 'failed') done += span;
      else if (reached !== null) done += Math.min(Math.max(end - reached, 0), span);
    }
  }
  return all === 0 || done === 0 ? null : done / all;
}
