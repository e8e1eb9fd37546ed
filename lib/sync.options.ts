import type { DynamicModule, Type } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { Around, HandlerAround } from './handlers/around.js';
import { SyncConfigError } from './sync.errors.js';
import { defined, resolveSource, type ResolvedSource, type SyncSource } from './sync.source.options.js';

/**
 * Opens a transaction for a handler: `SyncOptions.transaction`. It begins one on the module's data source that is nobody
 * else's, calls `work` in it once with its manager, commits when `work` resolves, and rolls back when it rejects.
 */
export type OpenTransaction = (
  work: (manager: EntityManager) => Promise<void>,
  options: { readonly isolationLevel: 'READ COMMITTED' },
) => Promise<unknown>;

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
   * Handler transactions that this process has open at once; at most the host's pool size minus 2. What only settles a pass
   * takes one connection more, for a moment.
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
   * For how many days the bodies of settled events are kept. Their ids and what became of them stay for longer, and so do
   * the bodies of dead events, which a replay needs.
   * @default 30
   */
  keepBodiesDays?: number;
  /**
   * For how many days settled events themselves are kept, after they happened, came and were settled; and runs that ended,
   * with what they found. A duplicate is known by its event, so that is at least 7 days more than the log of each provider
   * reaches back, and at least `keepBodiesDays`. Dead events stay until they are replayed; what is known of records stays.
   * @default 90
   */
  keepEventsDays?: number;
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
  /**
   * Wraps each call of a handler or mirror, inside its transaction: for request scopes (CLS), tenants, tracing. A
   * function, or a provider class with a method of that name.
   * @default none
   */
  around?: Around | Type<HandlerAround>;
  /**
   * How the transaction of a handler is opened, where a library keeps track of transactions: what it finds by the async
   * context, injected repositories say, then joins the handler's. Not on SQLite, where TypeORM has one connection.
   * @default one that only `context.manager` knows
   * @example (work) => runInTransaction(() => work(dataSource.manager), { propagation: Propagation.REQUIRES_NEW })
   */
  transaction?: OpenTransaction;
}

/**
 * What a process does; in each role `SyncService` can be called.
 * - `all` takes deliveries and runs handlers;
 * - `ingest` takes deliveries and stores them. A worker's sweep finds them, within `sweepEveryMs`;
 * - `worker` runs handlers, and has no webhook controller;
 * - `none` does neither: for scripts.
 */
export type SyncRole = 'all' | 'ingest' | 'worker' | 'none';

/** What shapes the module itself, and so cannot come from an async factory: it stands beside `useFactory`. */
export interface SyncModuleExtras {
  /**
   * `false`: `SyncService` can be injected, and that is all. Nothing is checked, started or served, no factory is
   * called and no database is needed. For test suites that have nothing to do with it, scripts, OpenAPI exports.
   * @default true
   */
  enabled?: boolean;
  /** What this process does. @default 'all' */
  role?: SyncRole;
  /**
   * Where deliveries are received: `POST <path>/:source[/:connection]`, under the host's global prefix. `false`: by no
   * controller of ours; the host's own gives them to `SyncService.receive()`.
   */
  webhooks?: WebhookOptions | false;
  /** The name of the host's TypeORM data source. @default the default one */
  dataSource?: string;
  /**
   * Tells the other processes at once what one has stored, shares the work among them, and makes their budget one:
   * `bull({ redis })` of `./bull`, or `bullmq({ redis })` of `./bullmq`. Nothing that matters is kept in it. Without one,
   * processes find each other's work by their sweeps, and each has a budget of its own.
   * @default none
   */
  queue?: SyncQueue;
  /** @default true */
  isGlobal?: boolean;
}

/** A queue between processes, as `bull()` and `bullmq()` make it. */
export interface SyncQueue {
  /** What the module imports for it. */
  module(): Promise<DynamicModule>;
}

export interface WebhookOptions {
  /** @default 'webhooks' */
  path?: string;
  /** Put on the webhook controller: `[Public(), SkipThrottle()]`. Not with `receive: 'direct'`. @default [] */
  decorators?: ClassDecorator[];
  /**
   * Who takes a delivery from the network: a controller, as any request; or, as an experiment, the HTTP server itself,
   * before the framework of the host: for less than half of the CPU time, and past all that the host does with requests
   * (middleware, guards, throttlers, access logs, tracing). What does not come by that server, the controller still takes.
   * @default 'controller'
   */
  receive?: WebhookReception;
}

/** Who takes deliveries from the network: `WebhookOptions.receive`. */
export type WebhookReception = 'controller' | 'direct';

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
  keepEventsDays: 90,
  drainMs: 10_000,
  inboxQueueLimit: 2_000,
  acceptTimeoutMs: 4_000,
  bodyLimitBytes: 1_048_576,
  bodyTimeoutMs: 10_000,
} as const;

export const WEBHOOK_DEFAULTS = { path: 'webhooks', receive: 'controller' } as const;

/** The options with every default in place: what the rest of the library reads. Token and type of one name. */
export abstract class ResolvedSyncOptions implements Required<Omit<SyncOptions, 'around' | 'transaction'>> {
  /** Those of features included, from `onModuleInit` on. */
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
  abstract readonly keepEventsDays: number;
  abstract readonly drainMs: number;
  abstract readonly inboxQueueLimit: number;
  abstract readonly acceptTimeoutMs: number;
  abstract readonly bodyLimitBytes: number;
  abstract readonly bodyTimeoutMs: number;
  abstract readonly around?: SyncOptions['around'];
  abstract readonly transaction?: OpenTransaction;
}

/**
 * Never throws: what cannot be meant is left out, and found by the checks at boot.
 * @param poolSize of the host's data source: handlers leave two of its connections to the host
 */
export function resolveOptions(options: SyncOptions, poolSize: number): ResolvedSyncOptions {
  const maxTransactions = Math.min(SYNC_DEFAULTS.maxTransactions, Math.max(poolSize - 2, 1));
  const resolved = { ...SYNC_DEFAULTS, maxTransactions, ...defined(options), sources: {} };
  addSources(resolved, defined(defined(options).sources));
  return resolved;
}

/** @throws SyncConfigError `SYNC_DUPLICATE_SOURCE` */
export function addSources(options: ResolvedSyncOptions, sources: Record<string, SyncSource>): void {
  for (const [name, source] of Object.entries(sources)) {
    if (Object.hasOwn(options.sources, name)) {
      throw new SyncConfigError(
        'SYNC_DUPLICATE_SOURCE',
        `the source '${name}' is there twice, in SyncModule.forRoot() and forFeature(), or in two forFeature(). A ` +
          `source's name is its identity in the database: give one of them another, or keep it in one place only. ` +
          `Handlers and mirrors of any module can name it.`,
      );
    }
    options.sources[name] = resolveSource(source);
  }
}
