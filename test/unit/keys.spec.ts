import { createHash } from 'node:crypto';
import { dedupeKeyOf, eventIdPrefix, recordKeyOf } from '../../lib/model/keys.js';

/** SHA-256 over the parts, each behind its length in bytes: what is in the tables of those who have them. */
function digestOf(...parts: string[]): Buffer {
  const hash = createHash('sha256');
  for (const part of parts) {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(Buffer.byteLength(part));
    hash.update(length).update(part, 'utf8');
  }
  return hash.digest();
}

const records = [
  ['stripe', 'default', 'customer', 'cus_1'],
  ['stripe', 'acct_1', 'tax_id', 'cus_1/txi_2'],
  ['crm', 'Zoë 😀', 'Account', ''],
  ['s', 'x'.repeat(70_000), '', '\u4e2d'.repeat(255)],
] as const;

it.each(records)('keys are what they have always been (%#)', (...parts) => {
  const [source, connectionId, resource, id] = parts;
  const record = { source, connectionId, resource, id };
  expect(recordKeyOf(record).equals(digestOf(...parts).subarray(0, 16))).toBe(true);
  const prefix = digestOf('evt_é').subarray(0, 8);
  expect(eventIdPrefix('evt_é').equals(prefix)).toBe(true);
  const dedupeKey = Buffer.concat([prefix, digestOf('evt_é', ...parts).subarray(0, 8)]);
  expect(dedupeKeyOf('evt_é', record).equals(dedupeKey)).toBe(true);
});
