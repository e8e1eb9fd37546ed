import type { ModuleRef } from '@nestjs/core';
import { aFunction, oneOf, type OptionKinds } from '../../model/option-kinds.js';
import { optionProblem } from '../../model/option-problem.js';
import { SyncConfigError } from '../../sync.errors.js';
import type { SyncSource } from '../../sync.source.options.js';
import { HANDLER_KINDS, resourceProblem } from '../handler.check.js';
import { namesOf } from '../handler.names.js';
import { anOnDelete, labelOf } from '../mirror.check.js';
import type { TargetMirror, TargetMirrorOptions } from '../mirror.js';
import { functionOf, providedProblem } from '../provided-function.js';
import type { ChangeHandler } from '../sync-handler.js';
import { aTarget, targetProblem } from './target.check.js';
import { differingTargetRows, type WantedRow } from './target.compare.js';
import { SyncTargets } from './sync-targets.js';

/** Makes such a mirror the change handler that it is: one without a transaction. */
export function targetMirrorHandler(
  mirror: TargetMirror,
  source: string,
  moduleRef: ModuleRef,
): ChangeHandler {
  const { to, key = ({ id }) => id, map, onDelete = 'delete', ...options } = mirror.options;
  const rowOf = functionOf('map', map, moduleRef);
  const rowOfNone = onDelete === 'keep' ? undefined : onDelete === 'delete' ? null : onDelete.set;
  const wantedRow: WantedRow = async (data, record) => {
    const row: object | null = await rowOf(data, record);
    return row === null ? rowOfNone : { ...row };
  };
  return {
    kind: 'change',
    ...namesOf(options, `mirror:${source}.${mirror.resource}>${to.name}`),
    source,
    resource: mirror.resource,
    options: { ...options, transaction: 'none' },
    async call({ kind, data, record }) {
      const targets = moduleRef.get(SyncTargets, { strict: false });
      const row = kind === 'deleted' ? rowOfNone : await wantedRow(data, record);
      if (row === undefined) return undefined;
      return row === null ? targets.delete(to, key(record)) : targets.save(to, key(record), row);
    },
    ...(to.read && {
      differing: (records, reading) => differingTargetRows(to, key, wantedRow, records, reading),
    }),
  };
}

const KINDS = {
  ...HANDLER_KINDS,
  transaction: oneOf('none'),
  to: aTarget,
  key: aFunction,
  map: aFunction,
  onDelete: anOnDelete,
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
    targetProblem(options.to, sources, labelOf(mirror));
  if (problem) throw new SyncConfigError('SYNC_INVALID_OPTION', `${labelOf(mirror)}: ${problem}`);
}
