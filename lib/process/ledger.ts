import type { ChangeKind } from '../model/change.js';
import type { SkipReason, WaitReason } from '../model/event.js';
import type { RequiredRecord } from '../handlers/handler.options.js';
import type { ChangeHandler, EventHandler } from '../handlers/sync-handler.js';
import type { EventOutcome } from '../inbox/event-outcome.js';
import { failed, newMark, succeeded, type RetryPolicy } from './mark.transitions.js';
import { happenedAt, isLate, latenessOf, newestOf } from './lateness.js';
import type { Settlement } from './settlement.js';
import { NO_EVENT, type Mark, type RecordState, type WaitingEvent, type Work } from './work.js';

/** How much earlier than the start an event may have happened: the provider's clock is not ours. */
const START_LENIENCE_MS = 60_000;

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

export interface LedgerRules {
  readonly changeHandlers: readonly ChangeHandler[];
  readonly retry: RetryPolicy;
  /** Event handlers are given nothing from before; null: everything. */
  readonly startAt: Date | null;
  readonly nowMs: number;
  eventHandlers(type: string): readonly EventHandler[];
}

type Standing = 'done' | 'dead' | 'pending' | SkipReason;

/**
 * Keeps the account of one pass: which handler is next, what is settled after it, what has to wait for what. Pure:
 * it is told what happened, and says what follows.
 */
export class Ledger {
  private readonly marks = new Map<string, Mark>();
  private readonly stored = new Set<string>();
  private readonly unsaved = new Set<string>();
  private readonly settled = new Set<string>();
  /** Events of which it is written down whether they came late. */
  private readonly decided = new Set<string>();
  private readonly broken = new Map<string, unknown>();

  constructor(
    private readonly work: Work,
    private readonly rules: LedgerRules,
    private readonly state: RecordState,
  ) {
    for (const mark of work.marks) {
      this.marks.set(keyOf(mark), mark);
      this.stored.add(keyOf(mark));
    }
  }

  /** Whether anyone who is to be called wants the record's content. */
  get wantsData(): boolean {
    if (this.rules.changeHandlers.length > 0) return true;
    return this.work.events.some((event) =>
      this.handlersOf(event).some(
        (handler) => handler.options.hydrate !== false && this.standing(event, handler) === 'pending',
      ),
    );
  }

  /** The next handler to call: change handlers first, so that the state is right before anyone acts on it. */
  next(): Step | undefined {
    for (const handler of this.rules.changeHandlers) {
      const mark = this.markOf(NO_EVENT, handler.name);
      if (this.isBehind(handler) && !isWaiting(mark))
        return { kind: 'change', handler, mark, change: this.changeFor(mark) };
    }
    const held = new Set<string>();
    for (const event of this.work.events) {
      for (const handler of this.handlersOf(event)) {
        if (held.has(handler.name) || this.standing(event, handler) !== 'pending') continue;
        const mark = this.markOf(event.id, handler.name);
        if (!isWaiting(mark)) return { kind: 'event', handler, mark, event };
        held.add(handler.name);
      }
    }
    return undefined;
  }

  /** What the handlers that are to be called require, by the record's content. One that throws fails at its step. */
  requiredFor(data: object): RequiredRecord[] {
    const due = this.rules.changeHandlers.filter((handler) => this.isBehind(handler));
    const pending = this.work.events.flatMap((event) =>
      this.handlersOf(event).filter((handler) => this.standing(event, handler) === 'pending'),
    );
    return [...new Set([...due, ...pending])].flatMap((handler) => {
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
      const outcome = this.outcomeOf(event);
      if (outcome) events.push(outcome);
      // While others remain, only what is final is written: the rest follows at the end.
      else if (released) events.push(this.givenBack(event));
    }
    const final = new Set(events.filter(({ state }) => state !== 'waiting').map(({ id }) => id));
    return {
      marks: [...this.unsaved].map((key) => this.marks.get(key)!).filter((mark) => !final.has(mark.eventId)),
      folded: [...final].filter((id) => [...this.stored].some((key) => key.startsWith(`${id} `))),
      events,
      released,
      newestEventAt: newestOf(this.work),
      decided: latenessOf(this.work, new Set([...this.decided, ...events.map(({ id }) => id)])),
    };
  }

  saved(settlement: Settlement): void {
    for (const key of this.unsaved) this.stored.add(key);
    this.unsaved.clear();
    for (const event of settlement.events) if (event.state !== 'waiting') this.settled.add(event.id);
    for (const { id } of [...settlement.events, ...settlement.decided]) this.decided.add(id);
  }

  private handlersOf(event: WaitingEvent): readonly EventHandler[] {
    // What nobody sent cannot be shown as an event: it only makes the record's change handlers look.
    return event.payload === null ? [] : this.rules.eventHandlers(event.type);
  }

  private standing(event: WaitingEvent, handler: EventHandler): Standing {
    if (event.succeededBy.includes(handler.name)) return 'done';
    const mark = this.markOf(event.id, handler.name);
    if (mark.state !== 'failed') return mark.state;
    if (event.replayed) return 'pending';

    const at = happenedAt(event).getTime();
    const { notBefore, maxAgeMs } = handler.options;
    const startAt =
      this.rules.startAt === null ? -Infinity : this.rules.startAt.getTime() - START_LENIENCE_MS;
    if (at < (notBefore?.getTime() ?? startAt)) return 'before-start';
    if (maxAgeMs !== undefined && at < this.rules.nowMs - maxAgeMs) return 'too-old';
    return 'pending';
  }

  /** Whether a change handler has still to be shown the present version. */
  private isBehind(handler: ChangeHandler): boolean {
    const mark = this.markOf(NO_EVENT, handler.name);
    // Never shown it alive: nothing to delete. Without a transaction, an attempt that failed may have shown it.
    const neverSeen = mark.version === 0 && (mark.attempts === 0 || handler.options.transaction !== 'none');
    if (neverSeen && this.state.deleted) return false;
    return mark.version < this.state.version && !this.hasGivenUp(mark);
  }

  /** A dead handler gets one attempt for each new version. */
  private hasGivenUp(mark: Mark): boolean {
    return mark.state === 'dead' && mark.failedVersion === this.state.version;
  }

  private changeFor(mark: Mark): ChangeKind {
    if (this.state.deleted) return 'deleted';
    return mark.version === 0 || mark.deleted ? 'created' : 'updated';
  }

  /** What became of the event, if nothing of it is left to do. */
  private outcomeOf(event: WaitingEvent): EventOutcome | undefined {
    if (this.rules.changeHandlers.some((handler) => this.isBehind(handler))) return undefined;
    const handlers = this.handlersOf(event);
    const standings = handlers.map((handler) => this.standing(event, handler));
    if (standings.includes('pending')) return undefined;

    const { id } = event;
    const late = isLate(this.work, event);
    const changeMarks = this.rules.changeHandlers.map((handler) => this.markOf(NO_EVENT, handler.name));
    const dead = [
      ...changeMarks.filter((mark) => this.hasGivenUp(mark)),
      ...handlers.filter((_, i) => standings[i] === 'dead').map((handler) => this.markOf(id, handler.name)),
    ];
    const succeededBy = handlers.filter((_, i) => standings[i] === 'done').map(({ name }) => name);
    if (dead.length > 0) {
      const error = dead[0]!.error;
      return {
        id,
        late,
        state: 'dead',
        reason: null,
        succeededBy,
        deadBy: dead.map(({ handler }) => handler),
        error,
      };
    }
    if (succeededBy.length > 0 || changeMarks.length > 0)
      return { id, late, state: 'completed', succeededBy };
    return { id, late, state: 'skipped', reason: (standings[0] as SkipReason | undefined) ?? 'no-handler' };
  }

  /** An event that has to wait does so until the first of the handlers that it waits for is due. */
  private givenBack(event: WaitingEvent): EventOutcome {
    const behind = this.rules.changeHandlers
      .filter((handler) => this.isBehind(handler))
      .map((handler) => this.markOf(NO_EVENT, handler.name));
    const pending = this.handlersOf(event)
      .filter((handler) => this.standing(event, handler) === 'pending')
      .map((handler) => this.holding(handler));
    const first = [...behind, ...pending].reduce((a, b) => ((a.dueInMs ?? 0) <= (b.dueInMs ?? 0) ? a : b));
    return {
      id: event.id,
      late: isLate(this.work, event),
      state: 'waiting',
      waitReason: first.waitReason ?? event.waitReason ?? ('retry' satisfies WaitReason),
      availableInMs: first.dueInMs ?? 0,
      error: first.error,
    };
  }

  /** The mark that holds a handler back: that of the first event it is not done with. */
  private holding(handler: EventHandler): Mark {
    const first = this.work.events.find(
      (event) => this.handlersOf(event).includes(handler) && this.standing(event, handler) === 'pending',
    )!;
    return this.markOf(first.id, handler.name);
  }

  private markOf(eventId: string, handler: string): Mark {
    return this.marks.get(`${eventId} ${handler}`) ?? newMark(eventId, handler);
  }

  private write(mark: Mark): void {
    this.marks.set(keyOf(mark), mark);
    this.unsaved.add(keyOf(mark));
  }
}

function keyOf(mark: Mark): string {
  return `${mark.eventId} ${mark.handler}`;
}

function isWaiting(mark: Mark): boolean {
  return mark.dueInMs !== null && mark.dueInMs > 0;
}
