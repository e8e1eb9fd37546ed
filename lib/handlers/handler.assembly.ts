import type { ModuleRef } from '@nestjs/core';
import type { DataSource } from 'typeorm';
import type { AlarmListener } from '../observe/telemetry.js';
import { SyncConfigError } from '../sync.errors.js';
import type { SyncSource } from '../sync.source.options.js';
import type { SyncAlarm } from '../model/alarm.js';
import { namesOf } from './handler.names.js';
import type { FoundMethod } from './handler.explorer.js';
import { heldOtherwise } from './held-records.js';
import { checkHandler, checkName } from './handler.check.js';
import { checkMirror, labelOf } from './mirror.check.js';
import { mirrorHandler } from './mirror.handler.js';
import { isTargetMirror, type Mirror, type TableMirror } from './mirror.js';
import { checkTargetMirror, targetMirrorHandler } from './targets/target.mirror.js';
import { resolveSource } from './source-selector.js';
import type { SyncHandler } from './sync-handler.js';

type Sources = Record<string, SyncSource>;

/**
 * Makes handlers of what was found.
 * @throws SyncConfigError for options that cannot be meant, a source that is not there or not clear, two handlers of
 *   one name, a change handler on what cannot be fetched, a mirror to what is no entity of the data source
 */
export function assembleHandlers(
  methods: readonly FoundMethod[],
  mirrors: readonly Mirror[],
  sources: Sources,
  host: DataSource,
  moduleRef: ModuleRef,
): SyncHandler[] {
  const handlers = [
    ...methods.flatMap((method) => methodHandler(method, sources, moduleRef)),
    ...mirrors.map((mirror) => {
      const source = resolveSource(mirror.source, sources, labelOf(mirror));
      if (isTargetMirror(mirror)) {
        checkTargetMirror(mirror, sources, moduleRef);
        return targetMirrorHandler(mirror, source, moduleRef);
      }
      const table = mirror as TableMirror;
      checkMirror(table, host, moduleRef);
      return mirrorHandler(table, source, host.getMetadata(table.options.to).name, moduleRef);
    }),
  ];
  assertNamesDiffer(handlers);
  handlers.forEach(assertNameFits);
  handlers.forEach((handler) => assertFetchable(handler, sources));
  return handlers;
}

export function alarmListeners(methods: readonly FoundMethod[]): AlarmListener[] {
  return methods
    .filter(({ metadata }) => metadata.kind === 'alarm')
    .map((method) => (alarm: SyncAlarm) => method.call(alarm));
}

function methodHandler(
  { label, metadata, call }: FoundMethod,
  sources: Sources,
  moduleRef: ModuleRef,
): SyncHandler[] {
  if (metadata.kind === 'alarm') return [];
  checkHandler(label, metadata, moduleRef);
  const source = resolveSource(metadata.source, sources, label);
  const common = { ...namesOf(metadata.options, label), source, call };
  if (metadata.kind === 'event')
    return [{ ...common, kind: 'event', patterns: metadata.patterns, options: metadata.options }];
  const { resource, options } = metadata;
  const differing = options.read && heldOtherwise(options.read, moduleRef);
  return [{ ...common, kind: 'change', resource, options, differing }];
}

/** MySQL takes a name for the same with a space behind it. */
function assertNameFits({ name }: SyncHandler): void {
  if (name.trim() === name && !name.includes('\0')) return;
  throw new SyncConfigError(
    'SYNC_INVALID_OPTION',
    `the handler name '${name}' must have no space at its ends: give it another, { name: '...' } in its decorator or mirror.`,
  );
}

function assertNamesDiffer(handlers: readonly SyncHandler[]): void {
  const names = new Set<string>();
  for (const { name } of handlers) {
    checkName(name);
    if (names.has(name)) {
      throw new SyncConfigError(
        'SYNC_DUPLICATE_HANDLER',
        `two handlers are named '${name}', or were formerly. A handler's name is its identity in the database: give one ` +
          `of them another, { name: '...' } in its decorator or mirror.`,
      );
    }
    names.add(name);
  }
}

function assertFetchable(handler: SyncHandler, sources: Sources): void {
  if (handler.kind === 'event' || sources[handler.source]!.connector.fetchable(handler.resource)) return;
  throw new SyncConfigError(
    'SYNC_UNFETCHABLE_RESOURCE',
    `${handler.name} wants the changes of '${handler.resource}', which the API of ${handler.source} cannot be asked ` +
      `for. Check the resource's name, or handle its events: @OnSyncEvent('${handler.source}', ...).`,
  );
}
