import type { SkipReason, WaitReason } from '../model/event.js';
import type { EventOutcome } from '../inbox/event-outcome.js';
import { isLate } from './lateness.js';
import type { Standings } from './standings.js';
import { NO_EVENT, type WaitingEvent } from './work.js';

/** So long after it came an event without a handler is still taken up by a process that has one. */
export const UNHANDLED_WITHIN_MS = 86_400_000;

/** How soon an event that is left for a process with a handler is looked at again. */
const LEFT_FOR_MS = 5_000;

/** What became of the event, if nothing of it is left to do. */
export function outcomeOf(standings: Standings, event: WaitingEvent): EventOutcome | undefined {
  if (standings.rules.changeHandlers.some((handler) => standings.isBehind(handler))) return undefined;
  const handlers = standings.handlersOf(event);
  const each = handlers.map((handler) => standings.standing(event, handler));
  if (each.includes('pending')) return undefined;

  const { id } = event;
  const late = isLate(standings.work, event);
  const changeMarks = standings.rules.changeHandlers
    .filter((handler) => !standings.isObserved(handler))
    .map((handler) => standings.markOf(NO_EVENT, handler.name));
  const dead = [
    ...changeMarks.filter((mark) => standings.hasGivenUp(mark)),
    ...handlers.filter((_, i) => each[i] === 'dead').map((handler) => standings.markOf(id, handler.name)),
  ];
  const succeededBy = handlers.filter((_, i) => each[i] === 'done').map(({ name }) => name);
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
  if (succeededBy.length > 0 || changeMarks.length > 0) return { id, late, state: 'completed', succeededBy };
  const observedBy = [
    ...standings.rules.changeHandlers,
    ...handlers.filter((_, i) => each[i] === 'observed'),
  ].map(({ name }) => name);
  if (observedBy.length > 0) return { id, late, state: 'skipped', reason: 'observed', observedBy };
  if (handlers.length === 0 && isLeftForOthers(standings, event)) return undefined;
  return { id, late, state: 'skipped', reason: (each[0] as SkipReason | undefined) ?? 'no-handler' };
}

/** An event that has to wait does so until the first of the handlers that it waits for is due. */
export function givenBackOf(standings: Standings, event: WaitingEvent): EventOutcome {
  const behind = standings.rules.changeHandlers
    .filter((handler) => standings.isBehind(handler))
    .map((handler) => standings.markOf(NO_EVENT, handler.name));
  const pending = standings
    .handlersOf(event)
    .filter((handler) => standings.standing(event, handler) === 'pending')
    .map((handler) => standings.holding(handler));
  const { id } = event;
  const late = isLate(standings.work, event);
  if (behind.length + pending.length === 0)
    return { id, late, state: 'waiting', waitReason: 'no-handler', availableInMs: LEFT_FOR_MS, error: null };
  const first = [...behind, ...pending].reduce((a, b) => ((a.dueInMs ?? 0) <= (b.dueInMs ?? 0) ? a : b));
  return {
    id,
    late,
    state: 'waiting',
    waitReason: first.waitReason ?? event.waitReason ?? ('retry' satisfies WaitReason),
    availableInMs: first.dueInMs ?? 0,
    error: first.error,
  };
}

/** Another process has taken it up again, since it knows a handler. */
function isLeftForOthers({ rules }: Standings, { waitReason, receivedAt }: WaitingEvent): boolean {
  return waitReason === 'no-handler' && rules.nowMs - receivedAt.getTime() < UNHANDLED_WITHIN_MS;
}
