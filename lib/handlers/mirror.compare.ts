import type { EntityManager, ObjectLiteral } from 'typeorm';
import type { Mirror, MirrorMap } from './mirror.js';
import type { MirrorKey } from './mirror.key.js';
import { onOwnConnection } from './own-connection.js';
import { isSameValue } from './same-value.js';
import type { ReadRecord } from './sync-handler.js';

/** Those of the records whose row is not as the mirror would write it, by id: one query for all. */
export function differingRows(
  { to }: Mirror['options'],
  key: MirrorKey,
  map: MirrorMap<any, any>,
  records: readonly ReadRecord[],
  manager: EntityManager,
): Promise<Set<string>> {
  return onOwnConnection(manager, async (own) => {
    const wanted = await Promise.all(
      records.map(async ({ record, data }) => {
        return {
          id: record.id,
          identity: await key.of(record, own),
          row: (await map(data, record)) as ObjectLiteral | null,
        };
      }),
    );
    const found = await own.find(to, { where: wanted.map(({ identity }) => identity) });
    const byIdentity = new Map(found.map((row: ObjectLiteral) => [nameOf(row, wanted[0]!.identity), row]));
    const differing = wanted.filter(
      ({ identity, row }) => !isHeld(byIdentity.get(nameOf(identity, identity)), row),
    );
    return new Set(differing.map(({ id }) => id));
  });
}

/** What identifies a row, as text. */
function nameOf(row: ObjectLiteral, identity: ObjectLiteral): string {
  return JSON.stringify(Object.keys(identity).map((property) => String(row[property])));
}

function isHeld(found: ObjectLiteral | undefined, wanted: ObjectLiteral | null): boolean {
  if (wanted === null || found === undefined) return wanted === null && found === undefined;
  return Object.entries(wanted).every(
    ([property, value]) => value === undefined || isSameValue(found[property], value),
  );
}
