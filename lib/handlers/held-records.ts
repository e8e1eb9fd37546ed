import type { ModuleRef } from '@nestjs/core';
import type { EntityManager } from 'typeorm';
import { isRecord } from '../model/option-kinds.js';
import { functionOf, type Provided } from './provided-function.js';
import { onOwnConnection } from './own-connection.js';
import type { ReadRecords } from './record-reader.js';
import { isSameValue } from './same-value.js';
import type { ChangeHandler, ReadRecord } from './sync-handler.js';

/** How to tell which of a change handler's records the host holds otherwise, by the reader that it was given. */
export function heldOtherwise(
  reader: Provided<'read', ReadRecords<any>>,
  moduleRef: ModuleRef,
): NonNullable<ChangeHandler['differing']> {
  const read = functionOf('read', reader, moduleRef);
  return (records, { manager }) => differingRecords(read, records, manager);
}

function differingRecords(
  read: ReadRecords<any>,
  records: readonly ReadRecord[],
  manager: EntityManager,
): Promise<Set<string>> {
  return onOwnConnection(manager, async (own) => {
    const { source, connectionId, resource } = records[0]!.record;
    const ids = records.map(({ record }) => record.id);
    const held: unknown = await read(ids, { source, connectionId, resource, manager: own });
    if (!(held instanceof Map)) throw new TypeError('read() must return a Map, by id');
    const differing = records.filter(({ record, data }) => !isHeld(held.get(record.id), data));
    return new Set(differing.map(({ record }) => record.id));
  });
}

/** Every field that the host has says what the record says. */
function isHeld(held: unknown, content: unknown): boolean {
  if (!isRecord(held)) return false;
  return Object.entries(held).every(([field, value]) => {
    const wanted = isRecord(content) ? content[field] : undefined;
    if (value === undefined) return true;
    return isPlain(value) && (isPlain(wanted) || (wanted ?? null) === null)
      ? isHeld(value, wanted)
      : isSameValue(value, wanted);
  });
}

function isPlain(value: unknown): boolean {
  return isRecord(value) && !(value instanceof Date);
}
