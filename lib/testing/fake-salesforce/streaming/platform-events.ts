import { checked } from '../record-check.js';
import type { RecordStore } from '../record-store.js';
import { formatTime } from '../dates.js';
import type { SObject } from '../schema.js';
import type { SalesforceFields } from '../stored-record.js';
import type { EventBus } from './event-bus.js';

export function isPlatformEvent({ name }: SObject): boolean {
  return name.endsWith('__e');
}

export function eventChannelOf(object: string): string {
  return `/event/${object}`;
}

/** Publishes a platform event. @returns its id @throws SalesforceApiError for fields that it does not have */
export function publishEvent(
  store: RecordStore,
  bus: EventBus,
  object: SObject,
  given: SalesforceFields,
): string {
  const fields = checked(store.schema, object, given, 'create', () => []);
  const CreatedDate = formatTime(store.now().getTime());
  const EventUuid = store.nextId('e00');
  const payload = { CreatedDate, CreatedById: store.userId, ...fields };
  bus.publish([eventChannelOf(object.name)], payload, { EventUuid });
  return EventUuid;
}
