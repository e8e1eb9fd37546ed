import type { WaitingEvent, Work } from './work.js';

/** When it happened, by the provider's clock where it says so. */
export function happenedAt(event: WaitingEvent): Date {
  return event.occurredAt ?? event.receivedAt;
}

/** It came after something newer about its record had been handled. Decided once, when a pass first has it before it. */
export function isLate({ record }: Work, event: WaitingEvent): boolean {
  return event.late ?? (record.newestEventAt !== null && happenedAt(event) < record.newestEventAt);
}
