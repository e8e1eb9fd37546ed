import type { LoggerService } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { SyncContext } from '../../handlers/sync.context.js';
import type { EventOrigin, SyncEvent } from '../../model/event.js';
import { idempotencyKeyOf } from '../../model/keys.js';
import type { HydratedRecord } from '../../model/record.js';
import { syncEvent } from './sync-event.js';
import { syncRecord, type RecordParts } from './sync-record.js';

/** What of a context is not as usual. */
export interface SyncContextParts {
  /**
   * What the handler writes through: `dataSource.manager`, the one of a transaction that the test rolls back, or an
   * object with just the methods that the handler calls.
   * @default none: a handler that asks for it is told so
   */
  manager?: { readonly [Method in keyof EntityManager]?: unknown };
  /** The events behind the call. @default one about the record */
  events?: readonly SyncEvent[];
  /** @default that of the newest of `events` */
  origin?: EventOrigin;
  /** @default 1 */
  attempt?: number;
  /** @default a UUID that depends on the record and on the ids of the `events` given: equal on every attempt */
  idempotencyKey?: string;
  /** @default one that nobody aborts */
  signal?: AbortSignal;
  /** @default one that says nothing */
  logger?: LoggerService;
}

/**
 * A context to call a handler with, every field of it filled in. A whole record (`stripeRecord()`) gives the context its
 * type; of a partial one, `{ resource: 'invoice', id: 'in_1', data: { status: 'open' } }`, the rest is made up.
 */
export function syncContext<T>(parts: SyncContextParts & { record: HydratedRecord<T> }): SyncContext<T>;
export function syncContext(parts?: SyncContextParts & { record?: RecordParts }): SyncContext;
export function syncContext(parts: SyncContextParts & { record?: RecordParts } = {}): SyncContext {
  const [first] = parts.events ?? [];
  const record = syncRecord({ ...placeOf(first), ...parts.record });
  const events = parts.events ?? [syncEvent(`${record.resource}.updated`, null, placeOf(record))];
  const context = {
    record,
    events,
    origin: parts.origin ?? events.at(-1)?.origin ?? 'webhook',
    attempt: parts.attempt ?? 1,
    idempotencyKey: parts.idempotencyKey ?? keyOf(record, parts.events ?? []),
    signal: parts.signal ?? new AbortController().signal,
    logger: parts.logger ?? silence,
  };
  if (parts.manager) return { ...context, manager: parts.manager as EntityManager };
  // Not enumerable: who only prints or compares the context does not ask for it.
  return Object.defineProperty(context, 'manager', { get: noManager }) as SyncContext;
}

function placeOf(from?: { source: string; connectionId: string }) {
  return from && { source: from.source, connectionId: from.connectionId };
}

function keyOf(
  { source, connectionId, resource, id, version }: HydratedRecord,
  events: readonly SyncEvent[],
) {
  const ids = events.map((event) => event.id ?? '');
  return idempotencyKeyOf('test', source, connectionId, resource, id, version, ...ids);
}

function noManager(): never {
  throw new Error(
    'the handler asked for context.manager, and the test gave none: syncContext({ manager: dataSource.manager }), or ' +
      'an object with the methods that the handler calls.',
  );
}

const nothing = () => undefined;
const silence: LoggerService = {
  log: nothing,
  error: nothing,
  warn: nothing,
  debug: nothing,
  verbose: nothing,
  fatal: nothing,
};
