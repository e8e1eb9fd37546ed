import { hash } from 'node:crypto';
import type { RecordKey } from './record.js';

/**
 * Keys are digests, so that every database compares them to the byte: ids that differ by case or a trailing space
 * stay apart, and an index entry has one size however long the provider's ids are.
 *
 * Each begins with the beginning of its id. Ids of many providers begin with their time (Stripe's `evt_1PgafT…` has its
 * second in the five digits behind the 1; UUIDs of version 7 too), so what comes now goes where an index was written last, and
 * that part of it is in memory, however large the rest is. Nothing depends on it: other ids lie anywhere, as digests do.
 */
const KEY_BYTES = 16;
const ID_BYTES = 5;

/** What ids of one type all begin with: `evt_`, `cs_test_`. */
const TYPE = /^(?:[a-z]+_)+/;

/** 16 bytes that name a record. */
export function recordKeyOf(record: RecordKey): Buffer {
  return near(record.id, digest(record.source, record.connectionId, record.resource, record.id), KEY_BYTES);
}

/**
 * 16 bytes that name an event about a record: equal for every delivery of it. The first half depends on the event's
 * id alone, so that the unique index also finds an event by the id that a person reads in the provider's dashboard.
 */
export function dedupeKeyOf(eventId: string, record: RecordKey): Buffer {
  return Buffer.concat([
    eventIdPrefix(eventId),
    digest(eventId, record.source, record.connectionId, record.resource, record.id).subarray(0, 8),
  ]);
}

/** The first half of the dedupe keys of all events with this id. */
export function eventIdPrefix(eventId: string): Buffer {
  return near(eventId, digest(eventId), KEY_BYTES / 2);
}

/** So many bytes: the id's first ones, and the rest of the digest's. */
function near(id: string, digest: Buffer, length: number): Buffer {
  const key = Buffer.alloc(length);
  const from = TYPE.exec(id.slice(0, 2 * KEY_BYTES))?.[0].length ?? 0;
  key.write(id.slice(from, from + ID_BYTES), 0, ID_BYTES);
  digest.copy(key, ID_BYTES);
  return key;
}

/** A key for the provider or the host's tables: a UUID that depends on the parts alone. */
export function idempotencyKeyOf(...parts: (string | number | Buffer)[]): string {
  const bytes = digest(...parts.map((part) => (Buffer.isBuffer(part) ? part.toString('hex') : String(part))));
  // RFC 9562 section 5.8: version 8, the layout is ours.
  bytes[6] = (bytes[6]! & 0x0f) | 0x80;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = bytes.toString('hex', 0, 16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** SHA-256 over length-prefixed parts: no two lists of parts run into the same bytes. */
function digest(...parts: string[]): Buffer {
  // At once and by way of hex digits: a Hash object, fed piece by piece, takes five times as long.
  const bytes = Buffer.allocUnsafe(parts.reduce((sum, part) => sum + 4 + Buffer.byteLength(part), 0));
  let at = 0;
  for (const part of parts) {
    const length = bytes.write(part, at + 4);
    bytes.writeUInt32BE(length, at);
    at += 4 + length;
  }
  return Buffer.from(hash('sha256', bytes, 'hex'), 'hex');
}
