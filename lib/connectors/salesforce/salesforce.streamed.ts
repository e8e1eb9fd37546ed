import type { IncomingEvent } from '../../model/connector.js';
import type { PublishedMessage } from './salesforce.cometd.js';
import { longIdOf } from './salesforce.record-id.js';
import { msOf } from './salesforce.time.js';

/** What is subscribed to, by API names. */
export interface Subscriptions {
  /** Objects with Change Data Capture. */
  readonly changes: readonly string[];
  /** Platform events. */
  readonly events: readonly string[];
}

/** Whose connection it is, and who writes there in the name of this application. */
export interface Listener {
  readonly connectionId: string;
  readonly clientName: string;
}

/** What a published message says. */
export interface Told {
  readonly replayId: number;
  readonly occurredAt: Date | null;
  readonly events: readonly IncomingEvent[];
  /** Objects of which more has changed than it can say. */
  readonly unclear: readonly string[];
}

interface ChangeHeader {
  readonly entityName: string;
  readonly recordIds: readonly string[];
  readonly changeType: string;
  readonly changeOrigin?: string;
  readonly transactionKey?: string;
  readonly sequenceNumber?: number;
  readonly commitTimestamp?: number;
}

interface Content {
  readonly payload: Readonly<Record<string, unknown>> & { readonly ChangeEventHeader?: ChangeHeader };
  readonly event: { readonly replayId: number; readonly EventUuid?: string };
}

/** What happened to a record, in the words of event types. A gap says that it did, and not what is different (docs: "Gap Events"). */
const CHANGES: Readonly<Record<string, string>> = {
  CREATE: 'created',
  UPDATE: 'updated',
  DELETE: 'deleted',
  UNDELETE: 'undeleted',
};

/** `/data/AccountChangeEvent`, and for an object of one's own `/data/Invoice__ChangeEvent`. */
export function changeChannelOf(object: string): string {
  return `/data/${object.replace(/__c$/, '__')}ChangeEvent`;
}

/** `/event/Order_Placed__e` */
export function eventChannelOf(event: string): string {
  return `/event/${event}`;
}

/** Reads a message of one of those channels. */
export function toldBy({ channel, data }: PublishedMessage, listener: Listener): Told {
  const { payload, event } = data as Content;
  const { ChangeEventHeader: header } = payload;
  if (!header) return platformEvent(channel, { payload, event }, listener);
  const occurredAt = header.commitTimestamp === undefined ? null : new Date(header.commitTimestamp);
  const about = { replayId: event.replayId, occurredAt };
  if (isOwn(header, listener.clientName)) return { ...about, events: [], unclear: [] };
  const ids = header.recordIds.map(longIdOf);
  const isClear = header.changeType !== 'GAP_OVERFLOW' && ids.length > 0 && !ids.includes(null);
  if (!isClear) return { ...about, events: [], unclear: [header.entityName] };
  return {
    ...about,
    events: ids.map((id) => changeEvent(channel, { payload, event }, header, id!, occurredAt, listener)),
    unclear: [],
  };
}

/** What the message says of one of the records that it names. */
function changeEvent(
  channel: string,
  { payload, event }: Content,
  { entityName, changeType, transactionKey, sequenceNumber }: ChangeHeader,
  recordId: string,
  occurredAt: Date | null,
  { connectionId }: Listener,
): IncomingEvent {
  const isGap = changeType.startsWith('GAP_');
  const kind = changeType.replace('GAP_', '');
  return {
    // Replay ids begin anew when an org moves; of a commit there is one.
    eventId: transactionKey ? `${transactionKey}:${sequenceNumber}` : `${channel}:${event.replayId}`,
    type: `${entityName}.${isGap ? 'gap' : (CHANGES[kind] ?? kind.toLowerCase())}`,
    connectionId,
    resource: entityName,
    recordId,
    occurredAt,
    deletion: kind === 'DELETE',
    payload: JSON.stringify(payload),
  };
}

/** About no record: it is its own. */
function platformEvent(channel: string, { payload, event }: Content, { connectionId }: Listener): Told {
  const name = channel.slice(channel.lastIndexOf('/') + 1);
  const ms = msOf(payload.CreatedDate);
  const occurredAt = Number.isNaN(ms) ? null : new Date(ms);
  const own = {
    eventId: event.EventUuid ?? `${channel}:${event.replayId}`,
    type: name,
    connectionId,
    resource: name,
    recordId: null,
    occurredAt,
    deletion: false,
    payload: JSON.stringify(payload),
  };
  return { replayId: event.replayId, occurredAt, events: [own], unclear: [] };
}

/** `com/salesforce/api/rest/62.0;client=nestjs-hybrid-sync` */
function isOwn({ changeOrigin = '' }: ChangeHeader, clientName: string): boolean {
  return changeOrigin.split(';').includes(`client=${clientName}`);
}
