import { randomBytes } from 'node:crypto';
import type { SyncEvent } from '../../model/event.js';
import { DEFAULT_CONNECTION } from '../../model/record.js';
import { TEST_SOURCE } from './sync-record.js';

/** What of an event is not as usual. */
export type SyncEventParts = Partial<Omit<SyncEvent, 'type' | 'payload'>>;

/**
 * An event to call a handler with. What `parts` does not say: it has just come by webhook, for the first time, from the
 * source `test`, with an id that no other has.
 *
 * @param payload goes through JSON, as every delivery does: dates become text, and `undefined` goes
 */
export function syncEvent<T>(type: string, payload: T, parts: SyncEventParts = {}): SyncEvent<T> {
  const { source = TEST_SOURCE, connectionId = DEFAULT_CONNECTION, origin = 'webhook' } = parts;
  const { occurredAt = new Date(), receivedAt = new Date(), late = false, replayed = false } = parts;
  const { id = eventId() } = parts;
  const sent = JSON.parse(JSON.stringify(payload ?? null)) as T;
  return {
    id,
    type,
    source,
    connectionId,
    origin,
    occurredAt,
    receivedAt,
    late,
    replayed,
    payload: sent,
  };
}

/** Never the same in a second run: a database that has been used before would take the event for a duplicate. */
export function eventId(): string {
  return `evt_${randomBytes(12).toString('hex')}`;
}
