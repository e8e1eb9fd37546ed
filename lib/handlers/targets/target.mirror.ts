import type { ModuleRef } from '@nestjs/core';
import {
  aFunction,
  aText,
  either,
  isRecord,
  oneOf,
  type OptionKind,
  type OptionKinds,
} from '../../model/option-kinds.js';
import { optionProblem } from '../../model/option-problem.js';
import type { Target } from '../../model/target.js';
import { SyncConfigError } from '../../sync.errors.js';
import type { SyncSource } from '../../sync.source.options.js';
import { HANDLER_KINDS, resourceProblem } from '../handler.check.js';
import { namesOf } from '../handler.names.js';
import type { TargetMirror, TargetMirrorOptions } from '../mirror.js';
import { functionOf, providedProblem } from '../provided-function.js';
import type { ChangeHandler } from '../sync-handler.js';
import { SyncTargets } from './sync-targets.js';

/** Makes such a mirror the change handler that it is: one without a transaction. */
export function targetMirrorHandler(
  mirror: TargetMirror,
  source: string,
  moduleRef: ModuleRef,
): ChangeHandler {
  const { to, key = ({ id }) => id, map, onDelete = 'delete', ...options } = mirror.options;
  const rowOf = functionOf('map', map, moduleRef);
  return {
    kind: 'change',
    ...namesOf(options, `mirror:${source}.${mirror.resource}>${to.name}`),
    source,
    resource: mirror.resource,
    options: { ...options, transaction: 'none' },
    async call({ kind, data, record }) {
      const targets = moduleRef.get(SyncTargets, { strict: false });
      const row = kind === 'deleted' ? null : await rowOf(data, record);
      if (row !== null) return targets.save(to, key(record), row);
      if (onDelete === 'keep') return undefined;
      return onDelete === 'delete'
        ? targets.delete(to, key(record))
        : targets.save(to, key(record), onDelete.set);
    },
  };
}

const aTarget: OptionKind = {
  takes: 'a target with a name, of at most 200 characters, and a method `write`',
  fits: (value) => isRecord(value) && aText(200).fits(value.name) && aFunction.fits(value.write),
};

const aSet: OptionKind = {
  takes: '{ set: { ... } }',
  fits: (value) => isRecord(value) && Object.keys(value).join() === 'set' && isRecord(value.set),
};

const KINDS = {
  ...HANDLER_KINDS,
  transaction: oneOf('none'),
  to: aTarget,
  key: aFunction,
  map: aFunction,
  onDelete: either(oneOf('delete', 'keep'), aSet),
} satisfies OptionKinds<TargetMirrorOptions<any, any>>;

/**
 * What `mirror()` was given, and its target held against the sources.
 * @throws SyncConfigError `SYNC_INVALID_OPTION`, `SYNC_UNKNOWN_SOURCE`
 */
export function checkTargetMirror(
  mirror: TargetMirror,
  sources: Readonly<Record<string, SyncSource>>,
  moduleRef: ModuleRef,
): void {
  const { options, resource } = mirror;
  const problem =
    resourceProblem(resource) ??
    optionProblem(options, KINDS) ??
    (options.map === undefined ? 'map is missing' : providedProblem('map', options.map, moduleRef)) ??
    targetProblem(options.to, sources, `The mirror of '${resource}'`);
  if (problem) throw new SyncConfigError('SYNC_INVALID_OPTION', `The mirror of '${resource}': ${problem}`);
}

function targetProblem(
  target: Target,
  sources: Readonly<Record<string, SyncSource>>,
  label: string,
): string | null {
  const { source } = target;
  if (source !== undefined && !Object.hasOwn(sources, source)) {
    const known =
      Object.keys(sources)
        .map((name) => `'${name}'`)
        .join(', ') || 'none';
    throw new SyncConfigError(
      'SYNC_UNKNOWN_SOURCE',
      `${label} writes to '${target.name}' of the source '${source}', which there is not. There are: ${known}. Correct ` +
        `the name or add the source.`,
    );
  }
  const connector = source === undefined ? undefined : sources[source]!.connector;
  return target.problem?.(connector) ?? null;
}
