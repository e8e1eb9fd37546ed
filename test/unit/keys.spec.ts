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

/** A key of so many bytes. */
function keyOf(start: string, digest: Buffer, length: number): Buffer {
  const key = Buffer.alloc(length);
  key.write(start, 'utf8');
  digest.copy(key, 5, 0, length - 5);
  return key;
}

const records = [
  ['1', 'stripe', 'default', 'customer', 'cus_1'],
  ['1Pgaf', 'stripe', 'default', 'customer', 'cs_test_1PgafTB7'],
  ['1/txi', 'stripe', 'acct_1', 'tax_id', 'cus_1/txi_2'],
  ['', 'crm', 'Zoë 😀', 'Account', ''],
  ['0015g', 'crm', 'default', 'Account', '0015g00000AbCdE'],
  // No part of a character.
  ['\u4e2d', 's', 'x'.repeat(70_000), '', '\u4e2d'.repeat(255)],
] as const;

it.each(records)('keys are what they have always been (%j)', (start, ...parts) => {
  const [source, connectionId, resource, id] = parts;
  const record = { source, connectionId, resource, id };
  expect(recordKeyOf(record).equals(keyOf(start, digestOf(...parts), 16))).toBe(true);
  const prefix = keyOf('é', digestOf('evt_é'), 8);
  expect(eventIdPrefix('evt_é').equals(prefix)).toBe(true);
  const dedupeKey = Buffer.concat([prefix, digestOf('evt_é', ...parts).subarray(0, 8)]);
  expect(dedupeKeyOf('evt_é', record).equals(dedupeKey)).toBe(true);
});

it('keys lie in the order of the times that ids begin with', () => {
  const record = { source: 'stripe', connectionId: 'default', resource: 'invoice', id: 'in_1' };
  // Of 2020, 2022 and 2024, as Stripe made them.
  const ids = ['evt_1IDQm5JD', 'evt_1KJrLuJD', 'evt_1PgafTB7'];
  const keys = ids.map((id) => dedupeKeyOf(id, record).toString('hex'));
  expect(keys.toSorted()).toEqual(keys);
});
