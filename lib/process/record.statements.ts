import type { Statement } from '../database/statement.js';
import type { SyncDatabase } from '../database/sync.database.js';
import type { ClaimedRecord, RecordState } from './work.js';

/**
 * The first statement of every transaction of a pass. It proves that the lease is still held, and in the same stroke
 * saves the state that the pass has found: no handler's work is ever committed beside an older state. The row stays
 * locked until the commit, so it is the lease meanwhile.
 */
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
  };
}

/** What a pass leaves on the record beside its state. */
export interface RecordNote {
  /** The lease goes. */
  readonly released: boolean;
  readonly newestEventAt: Date | null;
  /** A fetch has failed, or has not found the record, and is to be repeated. */
  readonly fetch?:
    | { readonly outcome: 'failed'; readonly counts: boolean; readonly dueInMs: number }
    | { readonly outcome: 'missing' };
}

/**
 * The first part of every settle, and its guard: it only finds the row if this very transaction's fence wrote it.
 * `starts` goes only now that the worker has come back: the next handler may be the one that kills it.
 */
export function noteStatement(
  database: SyncDatabase,
  record: ClaimedRecord,
  txToken: string,
  note: RecordNote,
): Statement {
  const { now } = database;
  const params: unknown[] = [record.recordKey, txToken];
  // Something is always written, so that the row counts as found.
  const set = ['tx_token = $2'];
  if (note.newestEventAt) {
    const at = `$${params.push(note.newestEventAt)}`;
    set.push(`newest_event_at = CASE WHEN newest_event_at > ${at} THEN newest_event_at ELSE ${at} END`);
  }
  if (note.released) set.push('lease_token = NULL', 'lease_until = NULL', 'starts = 0');
  if (note.fetch?.outcome === 'failed') {
    set.push(`fetch_failed_at = ${now}`, `fetch_due_at = ${database.in(note.fetch.dueInMs)}`);
    if (note.fetch.counts) set.push('fetch_failures = fetch_failures + 1');
  }
  if (note.fetch?.outcome === 'missing')
    set.push('missing_reads = missing_reads + 1', `missing_since = COALESCE(missing_since, ${now})`);
  return {
    sql: `UPDATE ${database.tables.record} SET ${set.join(', ')} WHERE record_key = $1 AND tx_token = $2`,
    params,
  };
}
