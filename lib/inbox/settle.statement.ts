import type { Statement } from '../database/statement.js';
import type { SyncDatabase } from '../database/sync.database.js';
import type { WaitReason } from '../model/event.js';
import type { EventOutcome } from './event-outcome.js';
import { WAITS, waitsOfRecord } from './waiting.js';

/**
 * Writes what became of events, by their ids: never by record and state, which would settle unseen what has come
 * since, and on MySQL would lock the gaps that new events are inserted into. A settled event is left alone. Events of
 * one pass mostly share their outcome: one statement for each that there is.
 * @param dropListed the bodies of listed records are among them, which are of no use any more
 */
export function settleEventsStatements(
  database: SyncDatabase,
  outcomes: readonly EventOutcome[],
  dropListed: boolean,
): Statement[] {
  return grouped(outcomes, (outcome) => JSON.stringify({ ...outcome, id: null })).map((alike) => {
    const params: unknown[] = [];
    const set = assignments(database, alike[0]!, params);
    const isDone = alike[0]!.state === 'completed' || alike[0]!.state === 'skipped';
    if (dropListed && isDone) set.push('payload = CASE WHEN ticket IS NULL THEN payload END');
    return {
      sql: `UPDATE ${database.tables.event} SET ${set.join(', ')} WHERE ${areWaiting(database, alike, params)}`,
      params,
      recurs: alike[0]!.state !== 'waiting',
    };
  });
}

function assignments(database: SyncDatabase, outcome: EventOutcome, params: unknown[]): string[] {
  const settled = outcome.state !== 'waiting';
  const columns: Record<string, unknown> = {
    state: outcome.state,
    late: outcome.late,
    reason: 'reason' in outcome ? outcome.reason : null,
    wait_reason: settled ? null : outcome.waitReason,
    error: errorOf(outcome),
    dead_by: outcome.state === 'dead' ? JSON.stringify(outcome.deadBy) : null,
    // What an event's handlers have done stays known while others of it wait.
    ...('succeededBy' in outcome && { succeeded_by: JSON.stringify(outcome.succeededBy) }),
  };
  return [
    ...Object.entries(columns).map(([column, value]) => `${column} = $${params.push(value)}`),
    `settled_at = ${settled ? database.now : 'NULL'}`,
    ...(settled ? [] : [`available_at = ${database.in(outcome.availableInMs)}`]),
  ];
}

function errorOf(outcome: EventOutcome): string | null {
  if (outcome.state === 'skipped' && outcome.observedBy)
    return `would have been called: ${outcome.observedBy.join(', ')}`;
  return 'error' in outcome ? outcome.error : null;
}

/** Writes down whether waiting events came late, and leaves them as they are otherwise. */
export function decideLateStatements(
  database: SyncDatabase,
  decisions: readonly { readonly id: string; readonly late: boolean }[],
): Statement[] {
  return grouped(decisions, ({ late }) => String(late)).map((alike) => {
    const params: unknown[] = [alike[0]!.late];
    return {
      sql: `UPDATE ${database.tables.event} SET late = $1 WHERE ${areWaiting(database, alike, params)}`,
      params,
      recurs: true,
    };
  });
}

/** Puts off the due events of a record that are too many to have been before its pass: they wait for the others. */
export function postponeRestStatement(
  database: SyncDatabase,
  recordKey: Buffer,
  { waitReason, availableInMs }: { readonly waitReason: WaitReason; readonly availableInMs: number },
): Statement {
  return {
    sql: `
      UPDATE ${database.tables.event} SET available_at = ${database.in(availableInMs)}, wait_reason = $2
      WHERE record_key = $1 AND ${waitsOfRecord()} AND available_at <= ${database.now}`,
    params: [recordKey, waitReason],
  };
}

/** They are these, and wait. */
function areWaiting(
  { dialect }: SyncDatabase,
  events: readonly { readonly id: string }[],
  params: unknown[],
): string {
  const ids = events.map(({ id }) => id);
  return `${dialect.isOneOf('id', 'id', ids, params)} AND ${WAITS}`;
}

function grouped<T>(items: readonly T[], keyOf: (item: T) => string): T[][] {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group) group.push(item);
    else groups.set(key, [item]);
  }
  return [...groups.values()];
}
