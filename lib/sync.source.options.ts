import type { Connector } from './model/connector.js';
import type { SyncModes } from './model/mode.js';
import { isRecord } from './model/option-kinds.js';

/** How a source is treated; what any connector's options may carry beside its own. */
export interface SourcePolicies {
  /**
   * From when on event handlers are given events: `'now'` is the first boot with this source, `'log'` everything
   * that comes. Compared with the provider's time, 60 s lenient. Change handlers always see the newest state.
   * @default 'now'
   */
  start?: 'now' | 'log' | Date;
  /**
   * `'observe'`: deliveries are received and records fetched, and no handler of this source is called; events end as
   * `skipped: observed`, with the names of those that would have been. To look on before going live.
   * @default 'on'
   */
  handlers?: 'on' | 'observe';
  /**
   * How changes become known: `'webhook'`, `'poll'` or `'hybrid'` (both, each event once), for all resources or by
   * resource: `{ invoice: 'webhook', '*': 'hybrid' }`. Handlers see no difference.
   * @default 'hybrid', or 'webhook' where the connector cannot be polled
   */
  mode?: SyncModes;
  /**
   * When the provider's log of changes is read.
   * @default every 5 minutes
   */
  poll?: PollPolicy;
  /**
   * When everything is compared with what the provider has: `SyncService.reconcile()`, by itself. Several of them in an
   * array, one of each depth.
   * @default never
   */
  reconcile?: ReconcilePolicy | readonly ReconcilePolicy[];
  /**
   * API calls per second for each connection; a whole number.
   * @default 25
   */
  callsPerSecond?: number;
  /**
   * API calls per second for all connections of the source together; a whole number.
   * @default 100
   */
  sourceCallsPerSecond?: number;
  /**
   * API calls that this process has under way at once for each connection.
   * @default 20
   */
  maxConcurrentCalls?: number;
  /**
   * Where the provider has a limit of calls for a day and says how many are used: the part of it, from 0 to 1, at which backfills and
   * projections wait, and half-way from there to all of it reconciliations. What happens now goes on.
   * @default 0.75
   */
  dailyShare?: number;
  /**
   * How often a handler or a fetch is tried before it gives up.
   * @default 12 (about 3 days with the default back-off)
   */
  maxAttempts?: number;
  /**
   * How long to wait after the n-th failed attempt (from 1), in milliseconds; ± 10 % of jitter is added.
   * @default 5 s, three times as long each time, at most a day
   */
  backoffMs?: (attempt: number) => number;
}

/** When a source is polled. Times are milliseconds. */
export interface PollPolicy {
  /** From the end of one walk through the log to the next. @default 300_000 (5 min) */
  everyMs?: number;
  /** Instead of `everyMs`, at these times of the process' time zone: `'0 * * * *'`, with seconds before it if need be. */
  cron?: string;
  /** How fast polling becomes while webhooks fail to bring what it finds. @default 30_000 */
  fastestMs?: number;
  /** How old an event must be that a webhook has not brought, to count as lost by it. @default 120_000 (2 min) */
  graceMs?: number;
}

/** With what a reconciliation compares: with listings, or with the provider's log of changes since the last one. */
export type ReconcileDepth = 'full' | 'log';

/** When a source is reconciled. */
export interface ReconcilePolicy {
  /** At these times of the process' time zone: `'0 3 * * 0'`, by one process of all. */
  cron: string;
  /** `'full'` finds everything, `'log'` is cheap: see `SyncService.reconcile()`. @default 'full' */
  depth?: ReconcileDepth;
  /** @default those that change handlers and mirrors are for, and that can be listed */
  resources?: readonly string[];
}

/** An entry of `sources`: a connector and its policies. Made by a connector's function: `stripe({...})`. */
export interface SyncSource extends SourcePolicies {
  readonly connector: Connector;
}

export const SOURCE_DEFAULTS = {
  start: 'now',
  handlers: 'on',
  mode: 'hybrid',
  callsPerSecond: 25,
  sourceCallsPerSecond: 100,
  maxConcurrentCalls: 20,
  dailyShare: 0.75,
  maxAttempts: 12,
  backoffMs: (attempt: number): number => Math.min(5_000 * 3 ** (attempt - 1), 86_400_000),
} as const;

export const POLL_DEFAULTS = { everyMs: 300_000, fastestMs: 30_000, graceMs: 120_000 } as const;

/** A source with every policy decided. */
export interface ResolvedSource extends Omit<Required<SyncSource>, 'poll' | 'reconcile'> {
  readonly poll: Required<Omit<PollPolicy, 'cron'>> & Pick<PollPolicy, 'cron'>;
  readonly reconcile: readonly ReconcilePolicy[];
}

/** Never throws: what cannot be meant is left out, and found by the checks at boot. */
export function resolveSource(source: SyncSource): ResolvedSource {
  const given = defined(source);
  // Also for what is no source at all, which the checks find.
  const polls = isRecord(given.connector) && given.connector.changes !== undefined;
  const mode = polls ? SOURCE_DEFAULTS.mode : 'webhook';
  return {
    ...SOURCE_DEFAULTS,
    mode,
    ...given,
    poll: { ...POLL_DEFAULTS, ...defined(given.poll ?? {}) },
    reconcile: given.reconcile === undefined ? [] : [given.reconcile].flat(),
  };
}

/** A host that writes `leaseMs: config.leaseMs` means the default where its config says nothing. */
export function defined<T extends object>(options: T): T {
  const entries = isRecord(options) ? Object.entries(options) : [];
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined)) as T;
}
