import type { ModuleRef } from '@nestjs/core';
import type { DataSource, EntityMetadata } from 'typeorm';
import {
  aFunction,
  anything,
  either,
  isRecord,
  oneOf,
  type OptionKind,
  type OptionKinds,
} from '../model/option-kinds.js';
import { optionProblem, shown } from '../model/option-problem.js';
import { SyncConfigError } from '../sync.errors.js';
import { aBatch, HANDLER_KINDS, resourceProblem } from './handler.check.js';
import type { Mirror, MirrorOptions, TableMirror } from './mirror.js';
import { providedProblem } from './provided-function.js';
import { unknownKeyProperty, unknownSetProperty } from './mirror.key.js';

const aKey: OptionKind = {
  takes: "one property in an array, such as ['stripeId'], or a function",
  fits: (value) =>
    aFunction.fits(value) ||
    (Array.isArray(value) && value.length === 1 && typeof value[0] === 'string' && value[0] !== ''),
};

const aSet: OptionKind = {
  takes: '{ set: { ... } }',
  fits: (value) =>
    isRecord(value) &&
    Object.keys(value).join() === 'set' &&
    isRecord(value.set) &&
    Object.keys(value.set).length > 0,
};

/** What becomes of the row of a record that is deleted. */
export const anOnDelete = either(oneOf('delete', 'keep'), aSet);

const MIRROR_KINDS = {
  ...HANDLER_KINDS,
  // It writes through the transaction.
  transaction: oneOf('required'),
  batch: aBatch,
  to: anything,
  key: aKey,
  map: aFunction,
  onDelete: anOnDelete,
} satisfies OptionKinds<MirrorOptions<any, any>>;

const NEEDED = ['to', 'key', 'map'] as const;

export function labelOf({ resource }: Mirror): string {
  return `The mirror of '${resource}'`;
}

/**
 * What `mirror()` was given, held against the entities of the data source.
 * @throws SyncConfigError `SYNC_INVALID_OPTION`, `SYNC_MISSING_MIRROR_ENTITY`
 */
export function checkMirror(mirror: TableMirror, host: DataSource, moduleRef: ModuleRef): void {
  const { options } = mirror;
  const problem =
    resourceProblem(mirror.resource) ?? optionProblem(options, MIRROR_KINDS) ?? missing(options);
  if (problem) throw invalid(mirror, problem);
  if (!host.hasMetadata(options.to))
    throw new SyncConfigError(
      'SYNC_MISSING_MIRROR_ENTITY',
      `${labelOf(mirror)} writes to ${nameOf(options.to)}, which the data source does not know. Add it to your ` +
        `entities: TypeOrmModule.forFeature([${nameOf(options.to)}]) with autoLoadEntities: true, or entities: [...].`,
    );
  const wrong =
    propertyProblem(options, host.getMetadata(options.to)) ?? providedProblem('map', options.map, moduleRef);
  if (wrong) throw invalid(mirror, wrong);
}

function missing(options: TableMirror['options']): string | null {
  const name = NEEDED.find((needed) => options[needed] == null);
  if (!name) return null;
  const hint = name === 'to' ? ' Is its file imported in a circle?' : '';
  return `${name} is missing: mirror('<source>', '<resource>', { to: Entity, key: ['property'], map }).${hint}`;
}

function propertyProblem({ key, onDelete }: TableMirror['options'], metadata: EntityMetadata): string | null {
  if (typeof key !== 'function') {
    const unknown = unknownKeyProperty(metadata, key);
    if (unknown) return `key: ${unknown}`;
  }
  if (typeof onDelete !== 'object') return null;
  const unknown = unknownSetProperty(metadata, Object.keys(onDelete.set));
  return unknown && `onDelete.set: ${unknown}`;
}

function nameOf(to: unknown): string {
  return typeof to === 'function' ? to.name : shown(to);
}

function invalid(mirror: Mirror, problem: string): SyncConfigError {
  return new SyncConfigError('SYNC_INVALID_OPTION', `${labelOf(mirror)}: ${problem}`);
}
