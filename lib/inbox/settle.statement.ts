import type { Statement } from '../entities/statement.js';
import type { WaitReason } from '../model/event.js';
import type { EventOutcome } from './event-outcome.js';

/**
 * Writes what became of events, by their ids: never by record and state, which would settle unseen what has come
 * since, and on MySQL would lock the gaps that new events are inserted into. A settled event is left alone.
 */
export function settleEventsStatement(
  table: string,
  now: string,
  outcomes: readonly EventOutcome[],
): Statement {
  if (outcomes.length === 1) return settleEventStatement(table, now, outcomes[0]!);
  const params: unknown[] = [];
  const rows = outcomes.map((outcome) => {
    const row = rowOf(outcome);
    return `(${row.map((value) => `$${params.push(value)}`).join(', ')})`;
  });
  return {
    sql: `
      UPDATE ${table} AS event
      SET state = v.state, reason = v.reason, late = v.late::boolean, wait_reason = v.wait_reason,
        available_at = COALESCE(${now} + v.wait_ms::float8 * interval '1 millisecond', event.available_at),
        succeeded_by = COALESCE(v.succeeded_by, event.succeeded_by), dead_by = v.dead_by, error = v.error,
        settled_at = CASE WHEN v.state <> 'waiting' THEN now() END
      FROM (VALUES ${rows.join(', ')})
        AS v (id, state, late, reason, wait_reason, wait_ms, succeeded_by, dead_by, error)
      WHERE event.id = v.id::bigint AND event.state = 'waiting'`,
    params,
  };
}

/** The same for one event, which is what most passes have: a third of what it would cost is planning the list. */
function settleEventStatement(table: string, now: string, outcome: EventOutcome): Statement {
  const [id, state, late, reason, waitReason, waitMs, succeededBy, deadBy, error] = rowOf(outcome);
  const set = [`state = $2`, `late = $3`, `reason = $4`, `wait_reason = $5`, `dead_by = $6`, `error = $7`];
  const params = [id, state, late, reason, waitReason, deadBy, error];
  if (waitMs !== null)
    set.push(`available_at = ${now} + $${params.push(waitMs)}::float8 * interval '1 millisecond'`);
  if (succeededBy !== null) set.push(`succeeded_by = $${params.push(succeededBy)}`);
  set.push(`settled_at = ${state === 'waiting' ? 'NULL' : 'now()'}`);
  return { sql: `UPDATE ${table} SET ${set.join(', ')} WHERE id = $1 AND state = 'waiting'`, params };
}

/** Writes down whether waiting events came late, and leaves them as they are otherwise. */
export function decideLateStatement(
  table: string,
  decisions: readonly { readonly id: string; readonly late: boolean }[],
): Statement {
  const params: unknown[] = [];
  const rows = decisions.map(({ id, late }) => `($${params.push(id)}, $${params.push(late)})`);
  return {
    sql: `
      UPDATE ${table} AS event SET late = v.late FROM (VALUES ${rows.join(', ')}) AS v (id, late)
      WHERE event.id = v.id::bigint AND event.state = 'waiting'`,
    params,
  };
}

/** Puts off the due events of a record that are too many to have been before its pass: they wait for the others. */
export function postponeRestStatement(
  table: string,
  now: string,
  recordKey: Buffer,
  { waitReason, availableInMs }: { readonly waitReason: WaitReason; readonly availableInMs: number },
): Statement {
  return {
    sql: `
      UPDATE ${table}
      SET available_at = ${now} + $2::float8 * interval '1 millisecond', wait_reason = $3
      WHERE record_key = $1 AND state = 'waiting' AND available_at <= ${now}`,
    params: [recordKey, String(availableInMs), waitReason],
  };
}

function rowOf(outcome: EventOutcome): unknown[] {
  const { id, state } = outcome;
  const late = outcome.late === null ? null : String(outcome.late);
  switch (state) {
    case 'waiting':
      return [
        id,
        state,
        late,
        null,
        outcome.waitReason,
        String(outcome.availableInMs),
        null,
        null,
        outcome.error,
      ];
    case 'completed':
      return [id, state, late, null, null, null, JSON.stringify(outcome.succeededBy), null, null];
    case 'skipped':
      return [id, state, late, outcome.reason, null, null, null, null, null];
    case 'dead':
      return [
        id,
        state,
        late,
        outcome.reason,
        null,
        null,
        JSON.stringify(outcome.succeededBy),
        JSON.stringify(outcome.deadBy),
        outcome.error,
      ];
  }
}
