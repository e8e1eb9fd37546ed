import type { Connector } from './model/connector.js';
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
   * API calls per second for each connection; a whole number.
   * @default 25
   */
  callsPerSecond?: number;
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

/** An entry of `sources`: a connector and its policies. Made by a connector's function: `stripe({...})`. */
export interface SyncSource extends SourcePolicies {
  readonly connector: Connector;
}

/** What `SyncModule.forRoot()` takes and `forRootAsync()`'s factory returns. Times are milliseconds. */
export interface SyncOptions {
  /** The systems to sync with, by the name that the host gives each. At most 64 characters a name. */
  sources: Record<string, SyncSource>;
  /**
   * Creates and updates the module's own tables at boot, under a database lock. `false`: the host runs `syncMigrations`.
   * @default true
   */
  migrationsRun?: boolean;
  /**
   * Handler transactions that this process has open at once; at most the host's pool size minus 2.
   * @default 8, or the pool size minus 2 if that is less
   */
  maxTransactions?: number;
  /**
   * Passes that this process has under way at once. A pass holds no connection while it fetches or waits.
   * @default 100
   */
  maxPasses?: number;
  /** For how long a worker may hold a record without a sign of life. @default 60_000 */
  leaseMs?: number;
  /** Upper bound of one API call. @default 20_000 */
  fetchTimeoutMs?: number;
  /** Upper bound of one call of a handler; its connection is destroyed then. @default 30_000 */
  handlerTimeoutMs?: number;
  /** How often waiting events are looked for that no nudge announced. @default 5_000 */
  sweepEveryMs?: number;
  /** For how long an event may wait before an alarm is raised. @default 3_600_000 (1 h) */
  stuckAfterMs?: number;
  /** Over how long three reads must say "not found" before a record counts as deleted. @default 60_000 */
  missingConfirmMs?: number;
  /**
   * For how many days the bodies of settled events are kept. Their ids and what became of them stay, and so do the
   * bodies of dead events, which a replay needs.
   * @default 30
   */
  keepBodiesDays?: number;
  /** How long shutdown waits for running passes. @default 10_000 */
  drainMs?: number;
  /** Events that may wait to be stored; beyond it deliveries are answered 503. @default 2_000 */
  inboxQueueLimit?: number;
  /** How long a delivery may wait to be stored before it is answered 503. @default 4_000 */
  acceptTimeoutMs?: number;
  /** Largest body of a delivery, in bytes; beyond it the answer is 413. @default 1_048_576 */
  bodyLimitBytes?: number;
  /** How long the body of a delivery may take to come in; beyond it the answer is 408. @default 10_000 */
  bodyTimeoutMs?: number;
}

/** What shapes the module itself, and so cannot come from an async factory. */
export interface SyncModuleExtras {
  /** Where deliveries are received: `POST <path>/:source[/:connection]`, under the host's global prefix. */
  webhooks?: WebhookOptions;
  /** The name of the host's TypeORM data source. @default the default one */
  dataSource?: string;
  /** @default true */
  isGlobal?: boolean;
}

export interface WebhookOptions {
  /** @default 'webhooks' */
  path?: string;
  /** Put on the webhook controller: `[Public(), SkipThrottle()]`. @default [] */
  decorators?: ClassDecorator[];
}

/** Under which the host's options stand as they were given, and what was given beside them. */
export const SYNC_OPTIONS = 'SYNC_OPTIONS';
export const SYNC_EXTRAS = 'SYNC_EXTRAS';

export const SYNC_DEFAULTS = {
  migrationsRun: true,
  maxTransactions: 8,
  maxPasses: 100,
  leaseMs: 60_000,
  fetchTimeoutMs: 20_000,
  handlerTimeoutMs: 30_000,
  sweepEveryMs: 5_000,
  stuckAfterMs: 3_600_000,
  missingConfirmMs: 60_000,
  keepBodiesDays: 30,
  drainMs: 10_000,
  inboxQueueLimit: 2_000,
  acceptTimeoutMs: 4_000,
  bodyLimitBytes: 1_048_576,
  bodyTimeoutMs: 10_000,
} as const;

export const SOURCE_DEFAULTS = {
  start: 'now',
  handlers: 'on',
  callsPerSecond: 25,
  maxAttempts: 12,
  backoffMs: (attempt: number): number => Math.min(5_000 * 3 ** (attempt - 1), 86_400_000),
} as const;

export const WEBHOOK_DEFAULTS = { path: 'webhooks', decorators: [] } as const;

/** A source with every policy decided. */
export type ResolvedSource = Required<SyncSource>;

/** The options with every default in place: what the rest of the library reads. Token and type of one name. */
export abstract class ResolvedSyncOptions implements Required<SyncOptions> {
  abstract readonly sources: Record<string, ResolvedSource>;
  abstract readonly migrationsRun: boolean;
  abstract readonly maxTransactions: number;
  abstract readonly maxPasses: number;
  abstract readonly leaseMs: number;
  abstract readonly fetchTimeoutMs: number;
  abstract readonly handlerTimeoutMs: number;
  abstract readonly sweepEveryMs: number;
  abstract readonly stuckAfterMs: number;
  abstract readonly missingConfirmMs: number;
  abstract readonly keepBodiesDays: number;
  abstract readonly drainMs: number;
  abstract readonly inboxQueueLimit: number;
  abstract readonly acceptTimeoutMs: number;
  abstract readonly bodyLimitBytes: number;
  abstract readonly bodyTimeoutMs: number;
}

/** Where deliveries are received, with every default in place. Token and type of one name. */
export abstract class ResolvedWebhookOptions {
  abstract readonly path: string;
}

/**
 * Never throws: what cannot be meant is left out, and found by the checks at boot.
 * @param poolSize of the host's data source: handlers leave two of its connections to the host
 */
export function resolveOptions(options: SyncOptions, poolSize: number): ResolvedSyncOptions {
  const given = defined(options);
  const sources = Object.entries(defined(given.sources)).map(
    ([name, source]) => [name, { ...SOURCE_DEFAULTS, ...defined(source) }] as const,
  );
  const maxTransactions = Math.min(SYNC_DEFAULTS.maxTransactions, Math.max(poolSize - 2, 1));
  return { ...SYNC_DEFAULTS, maxTransactions, ...given, sources: Object.fromEntries(sources) };
}

/** A host that writes `leaseMs: config.leaseMs` means the default where its config says nothing. */
export function defined<T extends object>(options: T): T {
  const entries = isRecord(options) ? Object.entries(options) : [];
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined)) as T;
}
