import type { WaitingEvent, Work } from './work.js';

/** When it happened, by the provider's clock where it says so. */
export function happenedAt(event: WaitingEvent): Date {
  return event.occurredAt ?? event.receivedAt;
}

/** When the newest of a pass's events happened. */
export function newestOf({ events }: Work): Date | null {
  const times = events.map((event) => happenedAt(event).getTime());
  return times.length === 0 ? null : new Date(Math.max(...times));
}

/** When the last of a pass's events came that the provider has told of by itself. */
export function deliveredAtOf({ events }: Work): Date | null {
  const told = events.filter(({ origin }) => origin === 'webhook' || origin === 'poll');
  return told.length === 0 ? null : new Date(Math.max(...told.map(({ receivedAt }) => receivedAt.getTime())));
}

/** It came after something newer about its record had been handled. Decided once, when handlers are first given it. */
export function isLate({ record }: Work, event: WaitingEvent): boolean {
  return event.late ?? (record.newestEventAt !== null && happenedAt(event) < record.newestEventAt);
}

/**
 * Whether the events that only wait behind a newer one of their pass are late: to be written down with the first that
 * follows from handlers, lest the next worker, should this one not come back, take them for latecomers.
 */
export function latenessOf(work: Work): { id: string; late: boolean }[] {
  const newest = newestOf(work);
  return work.events
    .filter((event) => event.late === null && happenedAt(event) < newest!)
    .map((event) => ({ id: event.id, late: isLate(work, event) }));
}
