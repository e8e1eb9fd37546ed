import type { Connector } from './model/connector.js';
import { modesIn, SYNC_MODES, takesDeliveries } from './model/mode.js';
import {
  aDate,
  aFunction,
  anArray,
  anObject,
  aShare,
  aWholeNumber,
  either,
  isRecord,
  oneOf,
  type OptionKind,
  type OptionKinds,
} from './model/option-kinds.js';
import { shown, unknownOption, wrongValue } from './model/option-problem.js';
import { aCron } from './ingest/cron.js';
import { CONNECTOR_KINDS } from './sync.connector.check.js';
import { SyncConfigError, type SyncConfigCode } from './sync.errors.js';
import {
  POLL_DEFAULTS,
  SOURCE_DEFAULTS,
  type PollPolicy,
  type ReconcilePolicy,
  type SyncSource,
} from './sync.source.options.js';

/** As long as the tables' columns. */
const MAX_SOURCE_NAME = 64;
const MAX_CONNECTION_NAME = 255;

/** As often as this is asked of a back-off. */
const MOST_ATTEMPTS_TRIED = 100;

const anAttemptCount: OptionKind = {
  takes: 'a whole number from 1, or Infinity',
  fits: (value) => value === Infinity || aWholeNumber(1).fits(value),
};

const aMode = oneOf(...SYNC_MODES);

const SOURCE_KINDS = {
  connector: anObject,
  mode: {
    takes: `${aMode.takes}, or one of them for each resource: { invoice: 'poll', '*': 'hybrid' }`,
    fits: (value) => aMode.fits(value) || (isRecord(value) && Object.values(value).every(aMode.fits)),
  },
  poll: anObject,
  reconcile: either(anObject, anArray),
  start: either(oneOf('now', 'log'), aDate),
  handlers: oneOf('on', 'observe'),
  callsPerSecond: aWholeNumber(1),
  sourceCallsPerSecond: aWholeNumber(1),
  maxConcurrentCalls: aWholeNumber(1),
  dailyShare: aShare,
  maxAttempts: anAttemptCount,
  backoffMs: aFunction,
} satisfies OptionKinds<SyncSource>;

const POLL_KINDS = {
  everyMs: aWholeNumber(1),
  cron: aCron,
  fastestMs: aWholeNumber(1),
  graceMs: aWholeNumber(0),
} satisfies OptionKinds<PollPolicy>;

const RECONCILE_KINDS = {
  cron: aCron,
  depth: oneOf('full', 'log'),
  resources: anArray,
} satisfies OptionKinds<ReconcilePolicy>;

/** @throws SyncConfigError `SYNC_INVALID_OPTION` */
export function checkSources(sources: Readonly<Record<string, unknown>>): void {
  for (const [name, source] of Object.entries(sources)) {
    if (!/^[\w.-]+$/.test(name) || name.length > MAX_SOURCE_NAME)
      throw invalid(
        `the source name '${name}' must be 1 to ${MAX_SOURCE_NAME} letters, digits, '_', '-' or '.'`,
      );
    checkSource(name, source);
  }
}

/**
 * @param canDoWithout what of a connector's problems is none for this process
 * @throws SyncConfigError with what connectors find in their own options
 */
export function checkConnectors(
  sources: Readonly<Record<string, SyncSource>>,
  canDoWithout: (code: SyncConfigCode) => boolean,
): void {
  for (const [name, { connector, mode }] of Object.entries(sources)) {
    const isPolledOnly = !takesDeliveries(mode ?? SOURCE_DEFAULTS.mode);
    const [found] = connector
      .problems()
      .filter(({ code }) => !canDoWithout(code) && !(isPolledOnly && code === 'SYNC_MISSING_SECRET'));
    if (found) throw new SyncConfigError(found.code, `source '${name}': ${found.message}`);
  }
}

function checkSource(name: string, source: unknown): void {
  const connector = anObject.fits(source) ? (source as Partial<SyncSource>).connector : undefined;
  if (!anObject.fits(connector))
    throw invalid(
      `sources.${name} must be made by a connector's function, { ${name}: stripe({ ... }) }, and is ` +
        // A text may well be the key.
        (anObject.fits(source)
          ? 'an object without a connector'
          : typeof source === 'string'
            ? 'a text'
            : shown(source)),
    );
  const wrong = incomplete(connector!);
  if (wrong) throw invalid(`sources.${name}: this is no connector, since its ${wrong}`);
  const given = source as SyncSource;
  const problem =
    misplaced(given) ??
    wrongValue({ ...given }, SOURCE_KINDS) ??
    backoffProblem(given) ??
    pollProblem(given) ??
    reconcileProblem(given) ??
    modeProblem(given);
  if (problem) throw invalid(`${name}: ${problem}`);
  const long = given.connector.connections.find(
    (connection) => connection === '' || connection.length > MAX_CONNECTION_NAME,
  );
  if (long !== undefined)
    throw invalid(`${name}: the name of a connection must be 1 to ${MAX_CONNECTION_NAME} characters`);
}

/** Methods stand on a prototype, and what is missing is as wrong as what is of another kind. */
function incomplete(connector: object): string | null {
  const members = Object.keys(CONNECTOR_KINDS).map(
    (name) => [name, (connector as Record<string, unknown>)[name] ?? null] as const,
  );
  return wrongValue(Object.fromEntries(members), CONNECTOR_KINDS);
}

/** A connector's own options go to its function; those that it does not know are left to its source. */
function misplaced(source: SyncSource): string | null {
  const own = source.connector.optionNames ?? [];
  const name = Object.keys(source).find((key) => own.includes(key));
  if (name) return `the option '${name}' belongs into ${source.connector.provider}({ ${name} })`;
  const policies = Object.keys(SOURCE_KINDS).filter((key) => key !== 'connector');
  const { connector: _, ...given } = source;
  return unknownOption(given, [...policies, ...own]);
}

function backoffProblem({
  maxAttempts = SOURCE_DEFAULTS.maxAttempts,
  backoffMs = SOURCE_DEFAULTS.backoffMs,
}: SyncSource): string | null {
  for (let attempt = 1; attempt <= Math.min(maxAttempts, MOST_ATTEMPTS_TRIED); attempt += 1) {
    let waitMs: unknown;
    try {
      waitMs = backoffMs(attempt);
    } catch (error) {
      return `backoffMs(${attempt}) must be a number from 0, and it throws ${String(error)}`;
    }
    if (!(Number.isFinite(waitMs) && (waitMs as number) >= 0))
      return `backoffMs(${attempt}) must be a number from 0, and is ${shown(waitMs)}`;
  }
  return null;
}

function pollProblem({ poll = {} }: SyncSource): string | null {
  const problem = unknownOption({ ...poll }, Object.keys(POLL_KINDS)) ?? wrongValue({ ...poll }, POLL_KINDS);
  if (problem) return `poll: ${problem}`;
  if (poll.cron !== undefined && poll.everyMs !== undefined)
    return 'poll has everyMs and cron: leave one of them out';
  const { everyMs = POLL_DEFAULTS.everyMs, fastestMs } = poll;
  if (poll.cron === undefined && fastestMs !== undefined && fastestMs > everyMs)
    return `poll.fastestMs is ${fastestMs}, slower than everyMs, ${everyMs}`;
  return null;
}

function reconcileProblem({ reconcile, connector }: SyncSource): string | null {
  const policies: readonly ReconcilePolicy[] = reconcile === undefined ? [] : [reconcile].flat();
  const depths = policies.map((policy) => (policy as Partial<ReconcilePolicy> | null)?.depth ?? 'full');
  const twice = depths.find((depth, i) => depths.indexOf(depth) < i);
  if (twice) return `reconcile has two policies of the depth '${twice}': leave one of them out`;
  return (
    policies.map((policy) => policyProblem(policy, connector)).find((problem) => problem !== null) ?? null
  );
}

function policyProblem(policy: ReconcilePolicy, connector: Connector): string | null {
  if (!anObject.fits(policy))
    return `reconcile must have objects such as { cron: '0 3 * * 0' }, and has ${shown(policy)}`;
  const given = { ...policy };
  const problem = unknownOption(given, Object.keys(RECONCILE_KINDS)) ?? wrongValue(given, RECONCILE_KINDS);
  if (problem) return `reconcile: ${problem}`;
  if (given.cron === undefined) return "reconcile has no cron: '0 3 * * 0' would be every Sunday night";
  if (given.depth === 'log' && !connector.changes)
    return `reconcile.depth is 'log', and ${connector.provider} has no log of changes`;
  if (given.depth !== 'log' && !connector.list)
    return `reconcile is set, and ${connector.provider} has no listings to compare with`;
  const known = (connector.listable ?? []).map(({ resource }) => resource);
  const unknown = given.resources?.find((resource) => !known.includes(resource));
  return unknown === undefined
    ? null
    : `reconcile.resources has '${unknown}', which cannot be listed; what can: ${known.join(', ')}`;
}

/** What the connector cannot serve. */
function modeProblem({ mode, connector }: SyncSource): string | null {
  if (mode === undefined) return null;
  const resources = isRecord(mode) ? Object.keys(mode).filter((name) => name !== '*') : [];
  const unknown = resources.find((resource) => !connector.fetchable(resource));
  if (unknown !== undefined)
    return `mode has the resource '${unknown}', which cannot be read from ${connector.provider}: is it misspelt?`;
  if (connector.changes) return null;
  const polled = [...modesIn(mode)].find((given) => given !== 'webhook');
  // A mode by resource that does not name the others means the default for them.
  if (polled === undefined || (isRecord(mode) && Object.values(mode).every((given) => given === 'webhook')))
    return null;
  return `mode is '${polled}', and ${connector.provider} has no log of changes that could be polled: set it to 'webhook'`;
}

function invalid(message: string): SyncConfigError {
  return new SyncConfigError('SYNC_INVALID_OPTION', message);
}
