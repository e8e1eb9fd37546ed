import type { RecordRef } from '../../model/record.js';
import type { Target, TargetRow } from '../../model/target.js';
import { isSameValue } from '../same-value.js';
import type { ReadRecord, TargetReading } from '../sync-handler.js';

/** What is to stand at a target for a record; `undefined`: whatever stands there. */
export type WantedRow = (data: unknown, record: RecordRef) => Promise<object | null | undefined>;

/**
 * Those of the records whose row is not as the mirror would write it, by id. A record that it cannot map counts among them: the
 * handler tells what is wrong with it.
 */
export async function differingTargetRows(
  target: Target,
  key: (record: RecordRef) => string,
  wantedRow: WantedRow,
  records: readonly ReadRecord[],
  { rowsAt }: TargetReading,
): Promise<Set<string>> {
  const differing = new Set<string>();
  const wanted: (TargetRow & { readonly recordId: string })[] = [];
  for (const { record, data } of records) {
    try {
      const row = await wantedRow(data, record);
      if (row !== undefined) wanted.push({ recordId: record.id, id: key(record), row });
    } catch {
      differing.add(record.id);
    }
  }
  const rows = wanted.map(({ id, row }) => ({ id, row }));
  const found = rows.length === 0 ? [] : await rowsAt(target, rows);
  for (const [i, { recordId, row }] of wanted.entries())
    if (!isHeld(target, found[i]!, row)) differing.add(recordId);
  return differing;
}

function isHeld(target: Target, found: object | null, wanted: object | null): boolean {
  if (wanted === null || found === null) return wanted === found;
  const fields = found as Readonly<Record<string, unknown>>;
  return Object.entries(wanted).every(([field, value]) => {
    if (value === undefined) return true;
    return target.isSame ? target.isSame(fields[field], value, field) : isSameValue(fields[field], value);
  });
}
