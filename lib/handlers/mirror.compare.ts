import type { EntityManager, ObjectLiteral } from 'typeorm';
import { dataSourceOf } from '../entities/data-source-of.js';
import type { MirrorMap, TableMirror } from './mirror.js';
import type { MirrorKey } from './mirror.key.js';
import { onOwnConnection } from './own-connection.js';
import { isSameInColumn, type Column } from './same-value.js';
import type { ReadRecord } from './sync-handler.js';

/**
 * Those of the records whose row is not as the mirror would write it, by id: one query for all. A record that it cannot map
 * counts among them: the handler tells what is wrong with it.
 */
export function differingRows(
  { to }: TableMirror['options'],
  key: MirrorKey,
  map: MirrorMap<any, any>,
  records: readonly ReadRecord[],
  manager: EntityManager,
): Promise<Set<string>> {
  return onOwnConnection(manager, async (own) => {
    const mapped = await Promise.all(
      records.map(async ({ record, data }) => {
        const identity = await key.of(record, own);
        const row = async () => (await map(data, record)) as ObjectLiteral | null;
        return { id: record.id, identity, row: await row().catch(() => undefined) };
      }),
    );
    const where = mapped.map(({ identity }) => identity);
    // A row that the host has deleted softly is there, and written to as it is.
    const found = await own.find(to, { where, withDeleted: true });
    const byIdentity = new Map(found.map((row: ObjectLiteral) => [nameOf(row, where[0]!), row]));
    const { columns } = dataSourceOf(own).getMetadata(to);
    const differing = mapped.filter(
      ({ identity, row }) =>
        row === undefined || !isHeld(columns, byIdentity.get(nameOf(identity, identity)), row),
    );
    return new Set(differing.map(({ id }) => id));
  });
}

/** What identifies a row, as text. */
function nameOf(row: ObjectLiteral, identity: ObjectLiteral): string {
  return JSON.stringify(Object.keys(identity).map((property) => String(row[property])));
}

function isHeld(
  columns: readonly Column[],
  found: ObjectLiteral | undefined,
  wanted: ObjectLiteral | null,
): boolean {
  if (wanted === null || found === undefined) return wanted === null && found === undefined;
  return Object.entries(wanted).every(([property, value]) => {
    const column = columns.find(({ propertyName }) => propertyName === property);
    // What is not read back cannot be compared.
    return (
      value === undefined || column?.isSelect === false || isSameInColumn(column, found[property], value)
    );
  });
}
