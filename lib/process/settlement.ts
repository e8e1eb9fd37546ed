import type { Statement } from '../database/statement.js';
import type { SyncDatabase } from '../database/sync.database.js';
import type { WaitReason } from '../model/event.js';
import type { EventOutcome } from '../inbox/event-outcome.js';
import {
  decideLateStatements,
  postponeRestStatement,
  settleEventsStatements,
} from '../inbox/settle.statement.js';
import { forgetMarksStatement, writeMarksStatement } from './mark.statements.js';
import { noteStatements, type RecordNote } from './record.statements.js';
import { EVENTS_PER_PASS, type Mark, type Work } from './work.js';

/** What a pass writes down at the end of one of its transactions. */
export interface Settlement {
  readonly marks: readonly Mark[];
  /** Events whose marks are folded into their row. */
  readonly folded: readonly string[];
  readonly events: readonly EventOutcome[];
  /** Nothing more to do in this pass: the lease goes too. */
  readonly released: boolean;
  /** The provider's time of the newest event that handlers were given: what happened before it is late from now on. */
  readonly newestEventAt: Date | null;
  /** When the last of the events came that the provider has told of by itself. */
  readonly deliveredAt: Date | null;
  /** Whether events that still wait are late, where the above would make them so. */
  readonly decided: readonly { readonly id: string; readonly late: boolean }[];
  readonly fetch?: RecordNote['fetch'];
}

const NOBODY_CALLED = {
  marks: [],
  folded: [],
  released: true,
  newestEventAt: null,
  deliveredAt: null,
  decided: [],
};

/** No handler can be called now: every event waits. */
export function givenBack(
  work: Work,
  waitReason: WaitReason,
  availableInMs: number,
  { error = null, fetch }: { error?: string | null; fetch?: RecordNote['fetch'] } = {},
): Settlement {
  const events = work.events.map((event): EventOutcome => {
    return { id: event.id, late: event.late, state: 'waiting', waitReason, availableInMs, error };
  });
  return { ...NOBODY_CALLED, events, fetch };
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
    const { id, late, succeededBy } = event;
    return { id, late, state: 'dead', reason, succeededBy, deadBy: [by], error };
  });
  return { ...NOBODY_CALLED, events, fetch };
}

/** What a pass over this record has come to. */
export interface Settled {
  readonly work: Work;
  readonly settlement: Settlement;
}

/** The end of a transaction, for all whose fences it has written. */
export function settleStatements(
  database: SyncDatabase,
  txToken: string,
  settled: readonly Settled[],
): Statement[] {
  const notes = settled.map(({ work: { record }, settlement }) => {
    const advances = settlement.events.some(({ state }) => state !== 'waiting');
    const ignores = settlement.events.some((event) => 'reason' in event && event.reason === 'no-handler');
    return { record, note: { ...settlement, advances, ignores } };
  });
  const marks = settled.flatMap(({ work: { record }, settlement }) =>
    settlement.marks.map((mark) => ({ record, mark })),
  );
  const listed = settled.some(({ work }) => work.events.some(({ ticket }) => ticket !== null));
  return [
    ...noteStatements(database, notes, txToken),
    ...(marks.length > 0 ? [writeMarksStatement(database, marks)] : []),
    ...settled
      .filter(({ settlement }) => settlement.folded.length > 0)
      .map(({ work, settlement }) => forgetMarksStatement(database, work.record, settlement.folded)),
    ...settleEventsStatements(
      database,
      settled.flatMap(({ settlement }) => settlement.events),
      listed,
    ),
    ...decideLateStatements(
      database,
      settled.flatMap(({ settlement }) => settlement.decided),
    ),
    ...settled.flatMap((each) => postponeRest(database, each)),
  ];
}

/** As many wait as a pass can take, and none is done with: those behind them would start the same pass again at once. */
function postponeRest(database: SyncDatabase, { work, settlement }: Settled): Statement[] {
  const waiting = settlement.events.filter((event) => event.state === 'waiting');
  if (waiting.length < EVENTS_PER_PASS) return [];
  const first = waiting.reduce((a, b) => (a.availableInMs <= b.availableInMs ? a : b));
  return [postponeRestStatement(database, work.record.recordKey, first)];
}
