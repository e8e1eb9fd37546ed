import type { Statement } from '../database/statement.js';
import type { SyncDatabase } from '../database/sync.database.js';
import type { ClaimedRecord, RecordState } from './work.js';

/** A record to be held, and the state to be saved of it; undefined: nothing was fetched. */
export interface Fence {
  readonly record: ClaimedRecord;
  readonly state: RecordState | undefined;
}

type FetchedFence = Fence & { readonly state: RecordState };

/**
 * What every transaction of a pass begins with. It proves that the leases are still held, by the number of rows that it
 * finds, and in the same stroke saves the states that the passes have found: no handler's work is ever committed beside
 * an older state. The rows stay locked until the commit, so they are the leases meanwhile.
 */
export function fenceStatements(
  database: SyncDatabase,
  fences: readonly Fence[],
  txToken: string,
  leaseMs: number,
): Statement[] {
  const fetched = fences.filter((fence): fence is FetchedFence => fence.state !== undefined);
  if (fences.length > 1 && fetched.length === fences.length && database.dialect.hasArrays)
    return [fenceArrays(database, fetched, txToken, leaseMs)];
  return fences.map(({ record, state }) => fenceStatement(database, record, state, txToken, leaseMs));
}

function fenceArrays(
  database: SyncDatabase,
  fences: readonly FetchedFence[],
  txToken: string,
  leaseMs: number,
): Statement {
  const { tables, now } = database;
  return {
    sql: `
      UPDATE ${tables.record} AS record
      SET tx_token = $1, lease_until = ${database.in(leaseMs)}, version = fence.version, fingerprint = fence.fingerprint,
        fingerprint_revision = fence.revision, saved_at = ${now},
        deleted_at = CASE WHEN fence.deleted THEN COALESCE(record.deleted_at, ${now}) END,
        missing_reads = CASE WHEN fence.deleted THEN record.missing_reads ELSE 0 END,
        missing_since = CASE WHEN fence.deleted THEN record.missing_since END,
        fetch_failures = 0, fetch_failed_at = NULL, fetch_due_at = NULL,
        ticket = COALESCE((SELECT ticket FROM ${tables.connection} AS connection
          WHERE connection.source = record.source AND connection.connection_id = record.connection_id), 0)
      FROM unnest($2::bytea[], $3::uuid[], $4::int[], $5::text[], $6::int[], $7::boolean[])
        AS fence (record_key, lease_token, version, fingerprint, revision, deleted)
      WHERE record.record_key = fence.record_key AND record.lease_token = fence.lease_token`,
    params: [
      txToken,
      fences.map(({ record }) => record.recordKey),
      fences.map(({ record }) => record.leaseToken),
      fences.map(({ state }) => state.version),
      fences.map(({ state }) => state.fingerprint),
      fences.map(({ state }) => state.fingerprintRevision),
      fences.map(({ state }) => state.deleted),
    ],
    recurs: true,
  };
}

/** The same for one record alone. */
export function fenceStatement(
  database: SyncDatabase,
  record: ClaimedRecord,
  state: RecordState | undefined,
  txToken: string,
  leaseMs: number,
): Statement {
  const { tables, now } = database;
  const params: unknown[] = [record.recordKey, record.leaseToken, txToken];
  const lease = `tx_token = $3, lease_until = ${database.in(leaseMs)}`;
  if (!state) {
    return {
      sql: `UPDATE ${tables.record} SET ${lease} WHERE record_key = $1 AND lease_token = $2`,
      params,
      recurs: true,
    };
  }
  params.push(
    state.version,
    state.fingerprint,
    state.fingerprintRevision,
    record.key.source,
    record.key.connectionId,
  );
  return {
    sql: `
      UPDATE ${tables.record}
      SET ${lease}, version = $4, fingerprint = $5, fingerprint_revision = $6, saved_at = ${now},
        deleted_at = ${state.deleted ? `COALESCE(deleted_at, ${now})` : 'NULL'},
        ${state.deleted ? '' : 'missing_reads = 0, missing_since = NULL,'}
        fetch_failures = 0, fetch_failed_at = NULL, fetch_due_at = NULL,
        ticket = COALESCE((SELECT ticket FROM ${tables.connection} WHERE source = $7 AND connection_id = $8), 0)
      WHERE record_key = $1 AND lease_token = $2`,
    params,
    recurs: true,
  };
}

/** What a pass leaves on the record beside its state. */
export interface RecordNote {
  /** The lease goes. */
  readonly released: boolean;
  /** Whether events are settled by it, so that the next claim has fewer before it. */
  readonly advances: boolean;
  readonly newestEventAt: Date | null;
  /** When the provider last told of it by itself. */
  readonly deliveredAt: Date | null;
  /** An event of it is skipped since nobody handles its type. */
  readonly ignores: boolean;
  /** A fetch has failed, or has not found the record, and is to be repeated. */
  readonly fetch?:
    | { readonly outcome: 'failed'; readonly counts: boolean; readonly dueInMs: number }
    | { readonly outcome: 'missing' };
}

/** The notes on records whose fences this transaction has written. */
export function noteStatements(
  database: SyncDatabase,
  notes: readonly { readonly record: ClaimedRecord; readonly note: RecordNote }[],
  txToken: string,
): Statement[] {
  if (
    notes.length > 1 &&
    notes.every(({ note }) => !note.fetch && !note.ignores) &&
    database.dialect.hasArrays
  )
    return [noteArrays(database, notes, txToken)];
  return notes.map(({ record, note }) => noteStatement(database, record, txToken, note));
}

function noteArrays(
  { tables }: SyncDatabase,
  notes: readonly { readonly record: ClaimedRecord; readonly note: RecordNote }[],
  txToken: string,
): Statement {
  return {
    sql: `
      UPDATE ${tables.record} AS record
      SET newest_event_at = GREATEST(record.newest_event_at, note.newest_event_at),
        delivered_at = GREATEST(record.delivered_at, note.delivered_at),
        ignored_at = CASE WHEN note.delivered_at IS NULL OR NOT note.advances THEN record.ignored_at END,
        lease_token = CASE WHEN NOT note.released THEN record.lease_token END,
        lease_until = CASE WHEN NOT note.released THEN record.lease_until END,
        starts = CASE WHEN note.released OR note.advances THEN 0 ELSE record.starts END
      FROM unnest($2::bytea[], $3::boolean[], $4::boolean[], $5::timestamptz[],
        $6::timestamptz[]) AS note (record_key, released, advances, newest_event_at, delivered_at)
      WHERE record.record_key = note.record_key AND record.tx_token = $1`,
    params: [
      txToken,
      notes.map(({ record }) => record.recordKey),
      notes.map(({ note }) => note.released),
      notes.map(({ note }) => note.advances),
      notes.map(({ note }) => note.newestEventAt),
      notes.map(({ note }) => note.deliveredAt),
    ],
    recurs: true,
  };
}

/**
 * `starts` goes when the worker has come back, or has got past an event: a pass of a thousand may be cut off each time. As long
 * as the same event is the first one, its handler may be what kills workers.
 */
function noteStatement(
  database: SyncDatabase,
  record: ClaimedRecord,
  txToken: string,
  note: RecordNote,
): Statement {
  const { now } = database;
  const params: unknown[] = [record.recordKey, txToken];
  // Something is always written, so that the row counts as found.
  const set = ['tx_token = $2'];
  const latest = (column: string, at: Date | null) => {
    if (at === null) return;
    const given = `$${params.push(at)}`;
    set.push(`${column} = CASE WHEN ${column} > ${given} THEN ${column} ELSE ${given} END`);
  };
  latest('newest_event_at', note.newestEventAt);
  latest('delivered_at', note.deliveredAt);
  if (note.deliveredAt && note.advances) set.push(`ignored_at = ${note.ignores ? now : 'NULL'}`);
  if (note.released) set.push('lease_token = NULL', 'lease_until = NULL');
  if (note.released || note.advances) set.push('starts = 0');
  if (note.fetch?.outcome === 'failed') {
    set.push(`fetch_failed_at = ${now}`, `fetch_due_at = ${database.in(note.fetch.dueInMs)}`);
    if (note.fetch.counts) set.push('fetch_failures = fetch_failures + 1');
  }
  if (note.fetch?.outcome === 'missing')
    set.push('missing_reads = missing_reads + 1', `missing_since = COALESCE(missing_since, ${now})`);
  return {
    sql: `UPDATE ${database.tables.record} SET ${set.join(', ')} WHERE record_key = $1 AND tx_token = $2`,
    params,
    recurs: note.fetch?.outcome !== 'failed',
  };
}
