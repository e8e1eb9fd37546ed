import type { ModuleRef } from '@nestjs/core';
import {
  aBoolean,
  aDate,
  aFunction,
  anything,
  aPositiveNumber,
  aText,
  aTimeout,
  aWholeNumber,
  oneOf,
  type OptionKinds,
} from '../model/option-kinds.js';
import { optionProblem, shown } from '../model/option-problem.js';
import { SyncConfigError } from '../sync.errors.js';
import type { HandlerMetadata } from './handler.metadata.js';
import { providedProblem } from './provided-function.js';
import type { ChangeHandlerOptions, EventHandlerOptions, HandlerOptions } from './handler.options.js';

/** As long as the tables' columns. */
const MAX_NAME = 255;

export const HANDLER_KINDS = {
  name: aText(MAX_NAME),
  formerly: aText(MAX_NAME),
  transaction: oneOf('required', 'none'),
  requires: aFunction,
  observe: aBoolean,
  timeoutMs: aTimeout,
} satisfies OptionKinds<HandlerOptions>;

/** A batch is one statement at the end, whose parameters are few thousand at most. */
export const aBatch = aWholeNumber(1, 1_000);

const CHANGE_HANDLER_KINDS = {
  ...HANDLER_KINDS,
  batch: aBatch,
  read: aFunction,
} satisfies OptionKinds<ChangeHandlerOptions>;

const EVENT_HANDLER_KINDS = {
  ...HANDLER_KINDS,
  hydrate: aBoolean,
  notBefore: aDate,
  maxAgeMs: aPositiveNumber,
} satisfies OptionKinds<EventHandlerOptions>;

/** The decorators of one provider take the source's name as an option; where it is looked up, it is looked at. */
const WITH_SOURCE = { source: anything };

/**
 * What a decorator was given.
 * @throws SyncConfigError `SYNC_INVALID_OPTION`
 */
export function checkHandler(
  label: string,
  metadata: Exclude<HandlerMetadata, { kind: 'alarm' }>,
  moduleRef: ModuleRef,
): void {
  const problem =
    (metadata.kind === 'event' ? patternProblem(metadata.patterns) : resourceProblem(metadata.resource)) ??
    optionProblem(metadata.options, {
      ...(metadata.kind === 'event' ? EVENT_HANDLER_KINDS : CHANGE_HANDLER_KINDS),
      ...(typeof metadata.source === 'string' ? {} : WITH_SOURCE),
    }) ??
    contradiction(metadata.options) ??
    (metadata.kind === 'change' && metadata.options.read
      ? providedProblem('read', metadata.options.read, moduleRef)
      : null);
  if (problem) throw new SyncConfigError('SYNC_INVALID_OPTION', `${label}: ${problem}`);
}

/**
 * A handler's name, which may be one that was made for it.
 * @throws SyncConfigError `SYNC_INVALID_OPTION`
 */
export function checkName(name: string): void {
  if (name.length <= MAX_NAME) return;
  throw new SyncConfigError(
    'SYNC_INVALID_OPTION',
    `${name.slice(0, MAX_NAME)}... is longer than ${MAX_NAME} characters: give the handler another name, { name: '...' }`,
  );
}

/** What is wrong with the name of a kind of record. */
export function resourceProblem(resource: unknown): string | null {
  return aText(MAX_NAME).fits(resource)
    ? null
    : `the resource must be ${aText(MAX_NAME).takes}, such as 'customer', and is ${shown(resource)}`;
}

function patternProblem(patterns: readonly unknown[]): string | null {
  if (patterns.length > 0 && patterns.every((pattern) => aText(MAX_NAME).fits(pattern))) return null;
  const wrong = patterns.length === 0 ? patterns : patterns.find((pattern) => !aText(MAX_NAME).fits(pattern));
  return `the event types must be texts such as 'invoice.paid' or 'invoice.*', one at least, and there is ${shown(wrong)}`;
}

function contradiction({
  hydrate,
  requires,
  transaction,
  batch,
}: EventHandlerOptions & ChangeHandlerOptions): string | null {
  if (hydrate === false && requires)
    return 'requires looks into the record, and with hydrate: false it is not fetched: leave one of them out';
  if (transaction === 'none' && batch !== undefined)
    return "batch is for records that share a transaction, and with transaction: 'none' there is none: leave one of them out";
  return null;
}
