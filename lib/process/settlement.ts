import type { SyncDatabase } from '../entities/sync.database.js';
import type { WaitReason } from '../model/event.js';
import type { EventOutcome } from '../inbox/event-outcome.js';
import { settleEventsStatement } from '../inbox/settle.statement.js';
import type { Settle } from './fenced-transaction.js';
import { happenedAt, isLate } from './lateness.js';
import { forgetMarksStatement, writeMarksStatement } from './mark.statements.js';
import type { RecordNote } from './record.statements.js';
import type { Mark, Work } from './work.js';

/** What a pass writes down at the end of one of its transactions. */
export interface Settlement {
  readonly marks: readonly Mark[];
  /** Events whose marks are folded into their row. */
  readonly folded: readonly string[];
  readonly events: readonly EventOutcome[];
  /** Nothing more to do in this pass: the lease goes too. */
  readonly released: boolean;
  readonly fetch?: RecordNote['fetch'];
}

/** No handler can be called now: every event waits. */
export function givenBack(
  work: Work,
  waitReason: WaitReason,
  availableInMs: number,
  { error = null, fetch }: { error?: string | null; fetch?: RecordNote['fetch'] } = {},
): Settlement {
  const events = work.events.map((event): EventOutcome => {
    return { id: event.id, late: isLate(work, event), state: 'waiting', waitReason, availableInMs, error };
  });
  return { marks: [], folded: [], events, released: true, fetch };
}

/** No handler will ever be called: every event is dead, for a reason that is no handler's. */
export function allDead(
  work: Work,
  by: 'hydrate' | 'process',
  reason: 'crashed' | null,
  error: string,
  fetch?: RecordNote['fetch'],
): Settlement {
  const events = work.events.map((event): EventOutcome => {
    const { id, succeededBy } = event;
    return { id, late: isLate(work, event), state: 'dead', reason, succeededBy, deadBy: [by], error };
  });
  return { marks: [], folded: [], events, released: true, fetch };
}

/** A settlement as the statements that end a transaction. */
export function settleOf(database: SyncDatabase, work: Work, settlement: Settlement): Settle {
  const { marks, folded, events, released, fetch } = settlement;
  const { record } = work;
  const statements = [];
  if (marks.length > 0) statements.push(writeMarksStatement(database, record, marks));
  if (folded.length > 0) statements.push(forgetMarksStatement(database, record, folded));
  if (events.length > 0) statements.push(settleEventsStatement(database.tables.event, database.now, events));
  return { released, fetch, newestEventAt: newest(work), statements };
}

/** The provider's time of the newest event that the pass has had before it. */
function newest({ events }: Work): Date | null {
  const times = events.map((event) => happenedAt(event).getTime());
  return times.length === 0 ? null : new Date(Math.max(...times));
}
