import type { ChangeKind } from '../model/change.js';
import type { RequiredRecord } from '../handlers/handler.options.js';
import type { ChangeHandler, EventHandler } from '../handlers/sync-handler.js';
import type { EventOutcome } from '../inbox/event-outcome.js';
import { latenessOf, newestOf } from './lateness.js';
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
  private readonly stored = new Set<string>();
  private readonly unsaved = new Map<string, Mark>();
  private readonly settled = new Set<string>();
  /** Events of which it is written down whether they came late. */
  private readonly decided = new Set<string>();
  private readonly broken = new Map<string, unknown>();

  constructor(
    private readonly work: Work,
    private readonly rules: LedgerRules,
    private readonly state: RecordState,
  ) {
    this.standings = new Standings(work, rules, state);
    for (const mark of work.marks) this.stored.add(keyOf(mark));
  }

  /** Whether anyone who is to be called wants the record's content. */
  get wantsData(): boolean {
    // One that only observes is told of the record too: what would have run depends on it.
    const isPaused = ({ name }: { name: string }) => this.rules.paused.has(name);
    if (this.rules.changeHandlers.some((handler) => !isPaused(handler))) return true;
    return this.work.events.some((event) =>
      this.standings
        .handlersOf(event)
        .some(
          (handler) =>
            handler.options.hydrate !== false &&
            !isPaused(handler) &&
            ['pending', 'observed'].includes(this.standings.standing(event, handler)),
        ),
    );
  }

  /** The next handler to call: change handlers first, so that the state is right before anyone acts on it. */
  next(): Step | undefined {
    for (const handler of this.rules.changeHandlers) {
      const mark = this.standings.markOf(NO_EVENT, handler.name);
      if (this.standings.isBehind(handler) && !isWaiting(mark))
        return { kind: 'change', handler, mark, change: this.standings.changeFor(mark) };
    }
    const held = new Set<string>();
    for (const event of this.work.events) {
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
    return { marks: [called], folded: [], events: [], released: false, newestEventAt: null, decided: [] };
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
    for (const event of this.work.events) {
      if (this.settled.has(event.id)) continue;
      const outcome = outcomeOf(this.standings, event);
      if (outcome) events.push(outcome);
      // While others remain, only what is final is written: the rest follows at the end.
      else if (released) events.push(givenBackOf(this.standings, event));
    }
    const final = new Set(events.filter(({ state }) => state !== 'waiting').map(({ id }) => id));
    return {
      marks: [...this.unsaved.values()].filter((mark) => !final.has(mark.eventId)),
      folded: [...final].filter((id) => [...this.stored].some((key) => key.startsWith(`${id} `))),
      events,
      released,
      newestEventAt: newestOf(this.work),
      decided: latenessOf(this.work, new Set([...this.decided, ...events.map(({ id }) => id)])),
    };
  }

  saved(settlement: Settlement): void {
    for (const key of this.unsaved.keys()) this.stored.add(key);
    this.unsaved.clear();
    for (const event of settlement.events) if (event.state !== 'waiting') this.settled.add(event.id);
    for (const { id } of [...settlement.events, ...settlement.decided]) this.decided.add(id);
  }

  private write(mark: Mark): void {
    this.standings.write(mark);
    this.unsaved.set(keyOf(mark), mark);
  }
}

function isWaiting(mark: Mark): boolean {
  return mark.dueInMs !== null && mark.dueInMs > 0;
}
