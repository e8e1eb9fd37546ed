import type { ChangeKind } from '../model/change.js';
import type { RequiredRecord } from '../handlers/handler.options.js';
import type { ChangeHandler, EventHandler } from '../handlers/sync-handler.js';
import type { EventOutcome } from '../inbox/event-outcome.js';
import { deliveredAtOf, latenessOf, newestOf } from './lateness.js';
import { failed, succeeded } from './mark.transitions.js';
import { givenBackOf, outcomeOf } from './outcome.js';
import type { Settlement } from './settlement.js';
import { keyOf, Standings, type LedgerRules } from './standings.js';
import { NO_EVENT, type Mark, type RecordState, type WaitingEvent, type Work } from './work.js';

/** One call of one handler. */
export type Step =
  | {
      readonly kind: 'change';
      readonly handler: ChangeHandler;
      readonly mark: Mark;
      readonly change: ChangeKind;
    }
  | {
      readonly kind: 'event';
      readonly handler: EventHandler;
      readonly mark: Mark;
      readonly event: WaitingEvent;
    };

/**
 * Keeps the account of one pass: which handler is next, what is settled after it, what has to wait for what. Pure:
 * it is told what happened, and says what follows.
 */
export class Ledger {
  private readonly standings: Standings;
  /** Events that are not settled, by their ids. */
  private readonly open: Map<string, WaitingEvent>;
  /** Those that may be settled by what has happened since the last transaction: a pass may have a thousand, and as many of those. */
  private readonly touched: Set<string>;
  /** Of which it is to be written down whether they came late. */
  private undecided: readonly { readonly id: string; readonly late: boolean }[];
  private readonly unsaved = new Map<string, Mark>();
  /** Events that have marks in the database. */
  private readonly marked: Set<string>;
  private readonly newestEventAt: Date | null;
  private readonly deliveredAt: Date | null;
  private readonly broken = new Map<string, unknown>();

  constructor(
    private readonly work: Work,
    private readonly rules: LedgerRules,
    private readonly state: RecordState,
  ) {
    this.standings = new Standings(work, rules, state);
    this.open = new Map(work.events.map((event) => [event.id, event]));
    this.touched = new Set(this.open.keys());
    this.undecided = latenessOf(work);
    this.marked = new Set(work.marks.map(({ eventId }) => eventId));
    this.newestEventAt = newestOf(work);
    this.deliveredAt = deliveredAtOf(work);
  }

  /** The next handler to call: change handlers first, so that the state is right before anyone acts on it. */
  next(): Step | undefined {
    for (const handler of this.rules.changeHandlers) {
      const mark = this.standings.markOf(NO_EVENT, handler.name);
      if (this.standings.isBehind(handler) && !isWaiting(mark))
        return { kind: 'change', handler, mark, change: this.standings.changeFor(mark) };
    }
    const held = new Set<string>();
    for (const event of this.open.values()) {
      for (const handler of this.standings.handlersOf(event)) {
        if (held.has(handler.name) || this.standings.standing(event, handler) !== 'pending') continue;
        const mark = this.standings.markOf(event.id, handler.name);
        if (!isWaiting(mark)) return { kind: 'event', handler, mark, event };
        held.add(handler.name);
      }
    }
    return undefined;
  }

  /** What the handlers that are to be called require, by the record's content. One that throws fails at its step. */
  requiredFor(data: object): RequiredRecord[] {
    const due = this.rules.changeHandlers.filter((handler) => this.standings.isBehind(handler));
    const pending = this.work.events.flatMap((event) =>
      this.standings
        .handlersOf(event)
        .filter((handler) => this.standings.standing(event, handler) === 'pending'),
    );
    const callable = [...new Set([...due, ...pending])].filter((handler) => this.standings.mayRun(handler));
    return callable.flatMap((handler) => {
      try {
        return handler.options.requires?.(data) ?? [];
      } catch (error) {
        this.broken.set(handler.name, error);
        return [];
      }
    });
  }

  /** @throws what the handler's `requires` threw */
  assertCallable({ handler }: Step): void {
    if (this.broken.has(handler.name)) throw this.broken.get(handler.name);
  }

  /**
   * What to write before a handler without a transaction is called: it may write elsewhere and never be heard of again. Undefined:
   * it is known already that it was called.
   */
  calling({ kind, mark }: Step): Settlement | undefined {
    if (kind === 'event' || mark.version !== 0 || mark.failedVersion !== 0) return undefined;
    const called = { ...mark, failedVersion: this.state.version };
    return {
      marks: [called],
      folded: [],
      events: [],
      released: false,
      newestEventAt: null,
      deliveredAt: null,
      decided: [],
    };
  }

  succeed(step: Step): void {
    this.write(succeeded(step.mark, step.kind === 'change' ? this.state.version : 0, this.state.deleted));
  }

  fail(step: Step, error: unknown): void {
    this.write(failed(step.mark, error, step.kind === 'change' ? this.state.version : 0, this.rules.retry));
  }

  /** What to write now. Call `saved()` once it is committed. */
  settlement(): Settlement {
    const released = this.next() === undefined;
    const events: EventOutcome[] = [];
    for (const id of released ? this.open.keys() : this.touched) {
      const event = this.open.get(id)!;
      const outcome = outcomeOf(this.standings, event);
      if (outcome) events.push(outcome);
      // While others remain, only what is final is written: the rest follows at the end.
      else if (released) events.push(givenBackOf(this.standings, event));
    }
    const written = new Set(events.map(({ id }) => id));
    const final = new Set(events.filter(({ state }) => state !== 'waiting').map(({ id }) => id));
    return {
      marks: [...this.unsaved.values()].filter((mark) => !final.has(mark.eventId)),
      folded: [...final].filter((id) => this.marked.has(id)),
      events,
      released,
      newestEventAt: this.newestEventAt,
      deliveredAt: this.deliveredAt,
      decided: this.undecided.filter(({ id }) => !written.has(id)),
    };
  }

  saved({ marks, events }: Settlement): void {
    this.unsaved.clear();
    this.touched.clear();
    this.undecided = [];
    for (const { eventId } of marks) this.marked.add(eventId);
    for (const { id, state } of events) if (state !== 'waiting') this.open.delete(id);
  }

  private write(mark: Mark): void {
    this.standings.write(mark);
    this.unsaved.set(keyOf(mark), mark);
    for (const id of mark.eventId === NO_EVENT ? this.open.keys() : [mark.eventId]) this.touched.add(id);
  }
}

function isWaiting(mark: Mark): boolean {
  return mark.dueInMs !== null && mark.dueInMs > 0;
}
