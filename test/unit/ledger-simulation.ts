import { Ledger, type Step } from '../../lib/process/ledger.js';
import type { LedgerRules } from '../../lib/process/standings.js';
import type { Settlement } from '../../lib/process/settlement.js';
import { NO_EVENT, type Mark, type WaitingEvent, type Work } from '../../lib/process/work.js';
import type { ChangeHandler, EventHandler } from '../../lib/handlers/sync-handler.js';

export const epoch = Date.UTC(2026, 0, 1);

export function eventHandler(
  name: string,
  patterns: string[],
  options: EventHandler['options'] = {},
): EventHandler {
  return { kind: 'event', name, label: name, source: 's', patterns, options, call: async () => undefined };
}

export function changeHandler(name: string, options: ChangeHandler['options'] = {}): ChangeHandler {
  return {
    kind: 'change',
    name,
    label: name,
    source: 's',
    resource: 'r',
    options,
    call: async () => undefined,
  };
}

export function waitingEvent(id: number, at: number, parts: Partial<WaitingEvent> = {}): WaitingEvent {
  return {
    id: String(id),
    dedupeKey: Buffer.from([id]),
    eventId: `evt_${id}`,
    type: 'a',
    origin: 'webhook',
    deletion: false,
    occurredAt: new Date(epoch + at * 1000),
    receivedAt: new Date(epoch),
    late: null,
    replayed: false,
    replayNo: 0,
    succeededBy: [],
    waitReason: null,
    payload: '{}',
    ticket: null,
    ...parts,
  };
}

export function workOf(
  parts: Partial<Omit<Work, 'record'>> & { record?: Partial<Work['record']> } = {},
): Work {
  const record = {
    key: { source: 's', connectionId: 'default', resource: 'r', id: 'r_1' },
    recordKey: Buffer.alloc(16),
    leaseToken: 'token',
    version: 1,
    fingerprint: 'f',
    fingerprintRevision: 1,
    deleted: false,
    savedAt: null,
    ticket: 0,
    newestEventAt: null,
    starts: 1,
    fetchFailures: 0,
    fetchFailedAgoMs: null,
    fetchDueInMs: null,
    missingReads: 0,
    missingForMs: null,
    ...parts.record,
  };
  return { events: [], marks: [], ...parts, record };
}

export function rulesOf(parts: Partial<LedgerRules> & { handlers?: EventHandler[] } = {}): LedgerRules {
  return {
    changeHandlers: [],
    eventHandlers: (type) => (parts.handlers ?? []).filter(({ patterns }) => patterns.includes(type)),
    startAt: null,
    nowMs: epoch,
    paused: new Set(),
    observes: false,
    retry: { maxAttempts: 3, backoffMs: () => 1_000 },
    ...parts,
  };
}

interface StoredEvent {
  event: WaitingEvent;
  state: string;
  availableAt: number;
  deadBy: readonly string[];
}

/** One record and its events, as the database keeps them between passes. */
export class RecordStore {
  readonly events = new Map<string, StoredEvent>();
  readonly marks = new Map<string, Mark & { dueAt: number | null }>();
  version = 0;
  deleted = false;
  newestEventAt: Date | null = null;

  arrive(event: WaitingEvent, now: number): void {
    this.events.set(event.id, { event, state: 'waiting', availableAt: now, deadBy: [] });
  }

  get waiting(): StoredEvent[] {
    return [...this.events.values()].filter(({ state }) => state === 'waiting');
  }

  load(now: number): Work {
    const events = this.waiting.map(({ event }) => event);
    events.sort((a, b) => a.occurredAt!.getTime() - b.occurredAt!.getTime() || Number(a.id) - Number(b.id));
    const marks = [...this.marks.values()].map(({ dueAt, ...mark }) => ({
      ...mark,
      waitReason: undefined,
      dueInMs: dueAt === null ? null : dueAt - now,
    }));
    const { version, deleted, newestEventAt } = this;
    return workOf({ record: { version, deleted, newestEventAt }, events, marks });
  }

  /** What the settle's statements do. */
  apply(settlement: Settlement, now: number): void {
    const { newestEventAt } = settlement;
    if (newestEventAt && (!this.newestEventAt || newestEventAt > this.newestEventAt))
      this.newestEventAt = newestEventAt;
    for (const mark of settlement.marks)
      this.marks.set(`${mark.eventId} ${mark.handler}`, {
        ...mark,
        dueAt: mark.dueInMs === null ? null : now + mark.dueInMs,
      });
    for (const id of settlement.folded)
      for (const [key, mark] of this.marks) if (mark.eventId === id) this.marks.delete(key);
    for (const outcome of settlement.events) {
      const stored = this.events.get(outcome.id)!;
      stored.state = outcome.state;
      const succeededBy = 'succeededBy' in outcome ? outcome.succeededBy : stored.event.succeededBy;
      stored.event = { ...stored.event, late: outcome.late, succeededBy };
      if (outcome.state === 'waiting') stored.availableAt = now + outcome.availableInMs;
      if (outcome.state === 'dead') stored.deadBy = outcome.deadBy;
    }
    for (const { id, late } of settlement.decided) {
      const stored = this.events.get(id)!;
      stored.event = { ...stored.event, late };
    }
  }

  markOf(handler: string): Mark | undefined {
    return this.marks.get(`${NO_EVENT} ${handler}`);
  }
}

export interface Committed {
  handler: string;
  /** Undefined for a change. */
  event?: WaitingEvent;
  version: number;
  change?: string;
}

/**
 * One pass over the store.
 *
 * @param attempt what becomes of a step: `crash` ends the pass with nothing more written
 * @returns the calls whose work was committed
 */
export function pass(
  store: RecordStore,
  rules: LedgerRules,
  found: { version: number; deleted: boolean },
  now: number,
  attempt: (step: Step) => 'succeed' | 'fail' | 'crash',
): Committed[] {
  const work = store.load(now);
  const state = { ...found, fingerprint: 'f', fingerprintRevision: 1, data: found.deleted ? null : {} };
  const ledger = new Ledger(work, { ...rules, nowMs: now }, state);
  const committed: Committed[] = [];
  let released = false;
  const settle = () => {
    const settlement = ledger.settlement();
    store.apply(settlement, now);
    Object.assign(store, found);
    ledger.saved(settlement);
    released = settlement.released;
  };
  for (let step = ledger.next(); step; step = ledger.next()) {
    if (released) throw new Error('released, and still something to do');
    const outcome = attempt(step);
    if (outcome === 'crash') return committed;
    if (outcome === 'fail') ledger.fail(step, new Error('failed'));
    else {
      ledger.succeed(step);
      const { handler } = step;
      committed.push({
        handler: handler.name,
        version: found.version,
        ...(step.kind === 'event' ? { event: step.event } : { change: step.change }),
      });
    }
    settle();
  }
  if (!released) settle();
  return committed;
}
