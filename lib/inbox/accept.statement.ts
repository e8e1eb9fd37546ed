import { listed, type Statement } from '../database/statement.js';
import type { SyncDatabase } from '../database/sync.database.js';
import type { InboxRow } from './inbox-row.js';

/** Stores events, the known ones excepted. Only the clash of dedupe keys is ignored, never what the table cannot hold. */
export function acceptStatement(database: SyncDatabase, rows: readonly InboxRow[]): Statement {
  // Transactions that insert common keys in different orders would wait for each other in a circle.
  const sorted = [...rows].sort((a, b) => Buffer.compare(a.dedupeKey, b.dedupeKey));
  return database.dialect.hasArrays ? acceptArrays(database, sorted) : acceptValues(database, sorted);
}

function acceptValues({ tables, now, dialect }: SyncDatabase, rows: readonly InboxRow[]): Statement {
  const params: unknown[] = [];
  const values = rows.map(({ record, ...row }) => {
    const keys = [
      row.dedupeKey,
      row.recordKey,
      record.source,
      record.connectionId,
      record.resource,
      record.id,
    ];
    const event = [row.eventId, row.type, row.origin, row.deletion, row.occurredAt, row.payload, row.ticket];
    const state = row.unstorable ? ['dead', 'unstorable'] : ['waiting', null];
    const settledAt = row.unstorable ? now : 'NULL';
    return `(${listed(params, [...keys, ...event, ...state])}, ${settledAt}, ${now}, ${now})`;
  });
  return {
    sql: `
      INSERT INTO ${tables.event} (dedupe_key, record_key, source, connection_id, resource, record_id, event_id, type,
        origin, deletion, occurred_at, payload, ticket, state, reason, settled_at, received_at, available_at)
      VALUES ${values.join(', ')}
      ${dialect.ignoreClash(['dedupe_key'])}`,
    params,
  };
}

/**
 * One text for any number of rows, each column an array: 25,000 rows a second from one connection, against 1,800 with
 * an insert for each.
 */
function acceptArrays({ tables, now }: SyncDatabase, rows: readonly InboxRow[]): Statement {
  return {
    sql: `
      INSERT INTO ${tables.event} (dedupe_key, record_key, source, connection_id, resource, record_id, event_id, type,
        origin, deletion, occurred_at, payload, ticket, state, reason, settled_at, received_at, available_at)
      SELECT dedupe_key, record_key, source, connection_id, resource, record_id, event_id, type, origin, deletion,
        occurred_at, convert_from(substring($12::bytea FROM payload_at FOR payload_bytes), 'UTF8'), ticket,
        CASE WHEN reason IS NULL THEN 'waiting' ELSE 'dead' END, reason,
        CASE WHEN reason IS NOT NULL THEN ${now} END, ${now}, ${now}
      FROM unnest($1::bytea[], $2::bytea[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
        $9::text[], $10::boolean[], $11::timestamptz[], $13::int[], $14::int[], $15::text[], $16::bigint[]) AS event (dedupe_key,
        record_key, source, connection_id, resource, record_id, event_id, type, origin, deletion, occurred_at,
        payload_at, payload_bytes, reason, ticket)
      ON CONFLICT (dedupe_key) DO NOTHING`,
    params: [
      rows.map((row) => row.dedupeKey),
      rows.map((row) => row.recordKey),
      rows.map((row) => row.record.source),
      rows.map((row) => row.record.connectionId),
      rows.map((row) => row.record.resource),
      rows.map((row) => row.record.id),
      rows.map((row) => row.eventId),
      rows.map((row) => row.type),
      rows.map((row) => row.origin),
      rows.map((row) => row.deletion),
      rows.map((row) => row.occurredAt),
      ...joined(rows.map((row) => row.payload)),
      rows.map((row) => (row.unstorable ? 'unstorable' : null)),
      rows.map((row) => row.ticket),
    ],
  };
}

/**
 * Payloads as one run of bytes, with where each begins (from 1) and how many bytes it has. As elements of an array every
 * quote in them would be escaped here and unescaped there, which costs more than the rest of the statement.
 */
function joined(payloads: readonly (string | null)[]): [Buffer, (number | null)[], (number | null)[]] {
  const lengths = payloads.map((payload) => (payload === null ? null : Buffer.byteLength(payload)));
  const bytes = Buffer.allocUnsafe(lengths.reduce<number>((sum, length) => sum + (length ?? 0), 0));
  let end = 0;
  const starts = payloads.map((payload) => {
    if (payload === null) return null;
    const start = end + 1;
    end += bytes.write(payload, end);
    return start;
  });
  return [bytes, starts, lengths];
}
