import { IsNull, type FindOptionsWhere } from 'typeorm';
import type { SyncDatabase } from '../../database/sync.database.js';
import { SyncEventEntity } from '../../entities/index.js';
import type { EventOrigin, EventState } from '../../model/event.js';

/** What has become of an event. */
export interface EventReport {
  /** The provider's id of the event. */
  readonly id: string | null;
  readonly type: string;
  readonly source: string;
  readonly connectionId: string;
  readonly resource: string;
  readonly recordId: string;
  readonly origin: EventOrigin;
  readonly state: EventState;
  /** Why it is skipped (`no-handler`, `before-start`, `too-old`) or dead, where no handler's error says it. */
  readonly reason: string | null;
  /** What it waits for: `retry`, `rate-limited`, `parent`, … */
  readonly waitReason: string | null;
  /** It came after a newer event of its record had been handled; null: not decided yet. */
  readonly late: boolean | null;
  /** The handlers that are done with it. */
  readonly succeededBy: readonly string[];
  /** The handlers that gave up. */
  readonly deadBy: readonly string[];
  /** The last error's message. */
  readonly error: string | null;
}

/** Which events: all that fit every field given. */
export type EventFilter = Partial<
  Pick<EventReport, 'id' | 'type' | 'source' | 'connectionId' | 'resource' | 'recordId' | 'state'>
>;

/** In the order in which they came. */
export async function reportEvents(database: SyncDatabase, filter: EventFilter): Promise<EventReport[]> {
  const { id: eventId, ...others } = filter;
  const where = {
    ...others,
    ...(eventId !== undefined && { eventId: eventId ?? IsNull() }),
  } as FindOptionsWhere<SyncEventEntity>;
  const events = await database.repository(SyncEventEntity).find({ where, order: { id: 'ASC' } });
  return events.map((event) => ({
    id: event.eventId,
    type: event.type,
    source: event.source,
    connectionId: event.connectionId,
    resource: event.resource,
    recordId: event.recordId,
    origin: event.origin,
    state: event.state,
    reason: event.reason,
    waitReason: event.waitReason,
    late: event.late,
    succeededBy: namesIn(event.succeededBy),
    deadBy: namesIn(event.deadBy),
    error: event.error,
  }));
}

function namesIn(json: string | null): string[] {
  return json === null ? [] : (JSON.parse(json) as string[]);
}
