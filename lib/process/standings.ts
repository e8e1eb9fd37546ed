import type { ChangeKind } from '../model/change.js';
import type { SkipReason } from '../model/event.js';
import type { ChangeHandler, EventHandler } from '../handlers/sync-handler.js';
import { happenedAt } from './lateness.js';
import { newMark, type RetryPolicy } from './mark.transitions.js';
import { NO_EVENT, type Mark, type RecordState, type WaitingEvent, type Work } from './work.js';

/** How much earlier than the start an event may have happened: the provider's clock is not ours. */
export const START_LENIENCE_MS = 60_000;

/** How soon a pass looks again at what waits for a paused handler, should its end go unnoticed. */
const PAUSED_MS = 3_600_000;

export interface LedgerRules {
  readonly changeHandlers: readonly ChangeHandler[];
  readonly retry: RetryPolicy;
  /** Event handlers are given nothing from before; null: everything. */
  readonly startAt: Date | null;
  readonly nowMs: number;
  /** Names of handlers that an operator has paused. */
  readonly paused: ReadonlySet<string>;
  /** No handler of the source is called. */
  readonly observes: boolean;
  eventHandlers(type: string): readonly EventHandler[];
}

/** Where a handler stands with an event. */
export type Standing = 'done' | 'dead' | 'pending' | SkipReason;

/** Answers, from the marks, which handler has what still to do. */
export class Standings {
  private readonly marks = new Map<string, Mark>();

  constructor(
    readonly work: Work,
    readonly rules: LedgerRules,
    readonly state: RecordState,
  ) {
    for (const mark of work.marks) this.write(mark);
  }

  write(mark: Mark): void {
    this.marks.set(keyOf(mark), mark);
  }

  /** That of a paused handler is not due, whatever is written. */
  markOf(eventId: string, handler: string): Mark {
    const mark = this.marks.get(`${eventId} ${handler}`) ?? newMark(eventId, handler);
    return this.rules.paused.has(handler) ? { ...mark, dueInMs: PAUSED_MS, waitReason: 'paused' } : mark;
  }

  /** It is not called, but named. */
  isObserved({ options }: ChangeHandler | EventHandler): boolean {
    return options.observe ?? this.rules.observes;
  }

  /** Whether it would be called if it had something to do. */
  mayRun(handler: ChangeHandler | EventHandler): boolean {
    return !this.isObserved(handler) && !this.rules.paused.has(handler.name);
  }

  handlersOf(event: WaitingEvent): readonly EventHandler[] {
    // What nobody sent cannot be shown as an event: it only makes the record's change handlers look.
    return event.payload === null || event.ticket !== null ? [] : this.rules.eventHandlers(event.type);
  }

  standing(event: WaitingEvent, handler: EventHandler): Standing {
    if (event.succeededBy.includes(handler.name)) return 'done';
    const mark = this.markOf(event.id, handler.name);
    if (mark.state !== 'failed') return mark.state;
    if (this.isObserved(handler)) return 'observed';
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
  isBehind(handler: ChangeHandler): boolean {
    if (this.isObserved(handler)) return false;
    const mark = this.markOf(NO_EVENT, handler.name);
    // Never shown it alive: nothing to delete. Without a transaction, whatever became of an attempt, it may have been.
    const neverSeen =
      mark.version === 0 && (mark.failedVersion === 0 || handler.options.transaction !== 'none');
    if (neverSeen && this.state.deleted) return false;
    return mark.version < this.state.version && !this.hasGivenUp(mark);
  }

  /** A dead handler gets one attempt for each new version. */
  hasGivenUp(mark: Mark): boolean {
    return mark.state === 'dead' && mark.failedVersion === this.state.version;
  }

  changeFor(mark: Mark): ChangeKind {
    if (this.state.deleted) return 'deleted';
    return mark.version === 0 || mark.deleted ? 'created' : 'updated';
  }

  /** Whether anyone who is to be called wants the record's content. */
  get wantsData(): boolean {
    // One that only observes is told of the record too: what would have run depends on it.
    const isPaused = ({ name }: { name: string }) => this.rules.paused.has(name);
    if (this.rules.changeHandlers.some((handler) => !isPaused(handler))) return true;
    return this.work.events.some((event) =>
      this.handlersOf(event).some(
        (handler) =>
          handler.options.hydrate !== false &&
          !isPaused(handler) &&
          ['pending', 'observed'].includes(this.standing(event, handler)),
      ),
    );
  }

  /** The mark that holds a handler back: that of the first event it is not done with. */
  holding(handler: EventHandler): Mark {
    const first = this.work.events.find(
      (event) => this.handlersOf(event).includes(handler) && this.standing(event, handler) === 'pending',
    )!;
    return this.markOf(first.id, handler.name);
  }
}

export function keyOf(mark: Pick<Mark, 'eventId' | 'handler'>): string {
  return `${mark.eventId} ${mark.handler}`;
}
