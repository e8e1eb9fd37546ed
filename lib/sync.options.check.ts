import {
  aBoolean,
  aFunction,
  anObject,
  anything,
  aText,
  aWholeNumber,
  oneOf,
  type OptionKind,
  type OptionKinds,
} from './model/option-kinds.js';
import { shown, unknownOption, wrongValue } from './model/option-problem.js';
import { SyncConfigError } from './sync.errors.js';
import type { SyncModuleExtras, SyncOptions, SyncQueue } from './sync.options.js';
import { SYNC_ROLES } from './sync.role.js';
import { SPARE_DAYS } from './sync.retention.check.js';
import { webhooksProblem } from './sync.webhooks.check.js';

/** A hundred years: for ever. Databases know no time thousands of years ago. */
const MOST_DAYS = 36_500;

const SYNC_OPTION_KINDS = {
  sources: anObject,
  migrationsRun: aBoolean,
  maxTransactions: aWholeNumber(1),
  maxPasses: aWholeNumber(1),
  leaseMs: aWholeNumber(1),
  fetchTimeoutMs: aWholeNumber(1),
  handlerTimeoutMs: aWholeNumber(1),
  sweepEveryMs: aWholeNumber(1),
  stuckAfterMs: aWholeNumber(1),
  missingConfirmMs: aWholeNumber(0),
  keepBodiesDays: aWholeNumber(1, MOST_DAYS),
  keepEventsDays: aWholeNumber(SPARE_DAYS, MOST_DAYS),
  drainMs: aWholeNumber(0),
  inboxQueueLimit: aWholeNumber(1),
  acceptTimeoutMs: aWholeNumber(1),
  bodyLimitBytes: aWholeNumber(1),
  bodyTimeoutMs: aWholeNumber(1),
  around: aFunction,
  transaction: aFunction,
} satisfies OptionKinds<SyncOptions>;

const aQueue: OptionKind = { takes: 'bull({ ... }) or bullmq({ ... })', fits: isQueue };

const EXTRA_KINDS = {
  enabled: aBoolean,
  role: oneOf(...SYNC_ROLES),
  webhooks: anything, // Its own check says more.
  dataSource: aText(255),
  queue: aQueue,
  isGlobal: aBoolean,
} satisfies OptionKinds<SyncModuleExtras>;

const ALL_NAMES = [...Object.keys(SYNC_OPTION_KINDS), ...Object.keys(EXTRA_KINDS)];

/** Where Nest gets the options from. */
const FACTORIES = ['useFactory', 'useClass', 'useExisting'] as const;

/**
 * What was given to `forRoot()`, or came from the factory, sources apart.
 * @param extras what stood beside it: with `forRoot()`, the options too
 * @throws SyncConfigError `SYNC_INVALID_OPTION`
 */
export function checkOptions(options: unknown, extras: Readonly<Record<string, unknown>>): void {
  if (!anObject.fits(options))
    throw invalid(
      `the factory of SyncModule.forRootAsync() returned ${typeof options === 'string' ? 'a text' : shown(options)}, and not its options`,
    );
  const given = options as Readonly<Record<string, unknown>>;
  const beside = Object.keys(extras).find((name) => name in SYNC_OPTION_KINDS && !(name in given));
  if (beside) throw invalid(`${beside} must come from the factory of SyncModule.forRootAsync()`);
  const within = Object.keys(given).find((name) => name in EXTRA_KINDS);
  if (within) throw invalid(`${within} cannot come from the factory: put it beside useFactory`);
  const problem =
    unknownOption({ ...extras, ...given }, ALL_NAMES) ??
    wrongValue(given, SYNC_OPTION_KINDS) ??
    wrongValue(extras, EXTRA_KINDS);
  if (problem) throw invalid(problem);
  const webhooks = webhooksProblem(extras.webhooks);
  if (webhooks) throw invalid(`webhooks: ${webhooks}`);
  if (given.sources === undefined)
    throw invalid('sources is missing: SyncModule.forRoot({ sources: { stripe: stripe({ ... }) } })');
}

/** What is none is not imported, and told at boot. */
export function isQueue(queue: unknown): queue is SyncQueue {
  return anObject.fits(queue) && aFunction.fits((queue as Partial<SyncQueue>).module);
}

/**
 * That `forRootAsync()` is told where to get the options from.
 * @throws SyncConfigError `SYNC_INVALID_OPTION`
 */
export function checkFactory(options: unknown): void {
  const given = anObject.fits(options) ? (options as Readonly<Record<string, unknown>>) : {};
  if (FACTORIES.some((name) => aFunction.fits(given[name]) || (name !== 'useFactory' && given[name]))) return;
  throw invalid(
    'SyncModule.forRootAsync() needs a function that makes the options: { useFactory: (config) => ({ sources }), ' +
      'inject: [ConfigService] }, or useClass or useExisting',
  );
}

function invalid(message: string): SyncConfigError {
  return new SyncConfigError('SYNC_INVALID_OPTION', message);
}
