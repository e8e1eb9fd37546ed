import type { ModuleRef } from '@nestjs/core';
import type { EntityManager, ObjectLiteral } from 'typeorm';
import { dataSourceOf } from '../entities/data-source-of.js';
import type { SyncChange } from '../model/change.js';
import { differingRows } from './mirror.compare.js';
import { MirrorKey } from './mirror.key.js';
import { namesOf } from './handler.names.js';
import type { TableMirror } from './mirror.js';
import { functionOf } from './provided-function.js';
import type { ChangeHandler } from './sync-handler.js';

/** Makes a mirror the change handler that it is. */
export function mirrorHandler(
  mirror: TableMirror,
  source: string,
  entityName: string,
  moduleRef: ModuleRef,
): ChangeHandler {
  const { to, key: _, map, onDelete = 'delete', ...options } = mirror.options;
  const key = new MirrorKey(mirror);
  const rowOf = functionOf('map', map, moduleRef);

  return {
    kind: 'change',
    ...namesOf(options, `mirror:${source}.${mirror.resource}>${entityName}`),
    source,
    resource: mirror.resource,
    options,
    async call(change: SyncChange, { manager }) {
      const identity = await key.of(change.record, manager);
      if (change.kind === 'deleted') return remove(manager, identity);
      const row = await rowOf(change.data, change.record);
      if (row === null) return remove(manager, identity);
      return write(manager, row, identity);
    },
    differing: (records, { manager }) => differingRows(mirror.options, key, rowOf, records, manager),
  };

  async function write(
    manager: EntityManager,
    row: ObjectLiteral,
    identity: ObjectLiteral,
  ): Promise<unknown> {
    if (dataSourceOf(manager).options.type === 'postgres')
      return manager.upsert(to, { ...row, ...identity }, Object.keys(identity));
    // MySQL would take a clash in any unique key for one in this, and overwrite another record's row; with SQLite,
    // TypeORM forgets the columns that it fills in by itself.
    if (!(await manager.existsBy(to, identity))) return manager.insert(to, { ...row, ...identity });
    return Object.keys(row).length > 0 ? manager.update(to, identity, row) : undefined;
  }

  async function remove(manager: EntityManager, identity: ObjectLiteral): Promise<void> {
    if (onDelete === 'keep') return;
    if (onDelete === 'delete') await manager.delete(to, identity);
    else await manager.update(to, identity, onDelete.set);
  }
}
