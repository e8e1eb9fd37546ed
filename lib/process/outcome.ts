import type { SkipReason, WaitReason } from '../model/event.js';
import type { EventOutcome } from '../inbox/event-outcome.js';
import { isLate } from './lateness.js';
import type { Standings } from './standings.js';
import { NO_EVENT, type WaitingEvent } from './work.js';

/** What became of the event, if nothing of it is left to do. */
export function outcomeOf(standings: Standings, event: WaitingEvent): EventOutcome | undefined {
  if (standings.rules.changeHandlers.some((handler) => standings.isBehind(handler))) return undefined;
  const handlers = standings.handlersOf(event);
  const each = handlers.map((handler) => standings.standing(event, handler));
  if (each.includes('pending')) return undefined;

  const { id } = event;
  const late = isLate(standings.work, event);
  const changeMarks = standings.rules.changeHandlers.map((handler) =>
    standings.markOf(NO_EVENT, handler.name),
  );
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
  const first = [...behind, ...pending].reduce((a, b) => ((a.dueInMs ?? 0) <= (b.dueInMs ?? 0) ? a : b));
  return {
    id: event.id,
    late: isLate(standings.work, event),
    state: 'waiting',
    waitReason: first.waitReason ?? event.waitReason ?? ('retry' satisfies WaitReason),
    availableInMs: first.dueInMs ?? 0,
    error: first.error,
  };
}
