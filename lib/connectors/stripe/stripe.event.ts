import type { Delivery, IncomingEvent } from '../../model/connector.js';
import { MalformedDeliveryError } from '../../sync.errors.js';
import { recordIdIn, recordIdOf } from './stripe.record-id.js';

type Json = Readonly<Record<string, unknown>>;

/**
 * Reads one delivery of Stripe's: a snapshot event (`object: 'event'`) or a thin one (`object: 'v2.core.event'`).
 *
 * The account that the body names is the event's connection, else the URL's. `deletion` goes by the type's name, and is
 * a hint: `customer.subscription.deleted` means canceled, the subscription can still be read.
 * Not done here: the thin and the snapshot event of one occurrence are two events.
 * @param vouchesForOthers whether who holds the secrets of the URL's connection may speak for another account
 * @throws MalformedDeliveryError for anything else
 */
export function parseEvent(
  { body, connectionId }: Pick<Delivery, 'body' | 'connectionId'>,
  vouchesForOthers: boolean,
): IncomingEvent {
  const payload = decode(body);
  const event = parseJson(payload);
  if (!isObject(event)) throw new MalformedDeliveryError('not an event');
  const ofAccount = (named: unknown) => connectionOf(named, connectionId, vouchesForOthers);
  if (event.object === 'event') return snapshotEvent(event, payload, ofAccount);
  if (event.object === 'v2.core.event') return thinEvent(event, payload, ofAccount);
  throw new MalformedDeliveryError('not an event');
}

/**
 * Reads one event of an account's log, which is that account's whatever it names.
 * @throws MalformedDeliveryError for anything but a snapshot event
 */
export function parseLoggedEvent(event: unknown, connectionId: string): IncomingEvent {
  if (!isObject(event) || event.object !== 'event') throw new MalformedDeliveryError('not an event');
  return snapshotEvent(event, JSON.stringify(event), () => connectionId);
}

type ConnectionOf = (named: unknown) => string;

function snapshotEvent(event: Json, payload: string, ofAccount: ConnectionOf): IncomingEvent {
  const object = isObject(event.data) ? event.data.object : undefined;
  if (!isObject(object)) throw new MalformedDeliveryError('an event without data.object');
  const resource = text(object.object, 'an event whose data.object is of no kind');
  const recordId = recordIdOf(resource, object);
  const occurredAt = dateOf(typeof event.created === 'number' ? event.created * 1000 : NaN);
  return eventOf(event, payload, ofAccount(event.account), resource, recordId, occurredAt);
}

function thinEvent(event: Json, payload: string, ofAccount: ConnectionOf): IncomingEvent {
  const related = isObject(event.related_object) ? event.related_object : {};
  // "acct_platform/acct_connected": the record is the last one's, as in the snapshot event of the same occurrence.
  const account = typeof event.context === 'string' ? event.context.split('/').pop() : event.context;
  const resource = typeof related.type === 'string' && related.type !== '' ? related.type : 'v2.core.event';
  const recordId = relatedId(resource, related);
  const occurredAt = dateOf(typeof event.created === 'string' ? event.created : NaN);
  return eventOf(event, payload, ofAccount(account), resource, recordId, occurredAt);
}

/** What both kinds have in common. */
function eventOf(
  event: Json,
  payload: string,
  connectionId: string,
  resource: string,
  recordId: string | null,
  occurredAt: Date | null,
): IncomingEvent {
  const type = text(event.type, 'an event without a type');
  const eventId = text(event.id, 'an event without an id');
  const deletion = type.endsWith('.deleted');
  return { eventId, type, connectionId, resource, recordId, occurredAt, deletion, payload };
}

/** An account's own secret is known to that account: with it nobody must be able to make up events of another. */
function connectionOf(named: unknown, connectionId: string, vouchesForOthers: boolean): string {
  if (named === undefined || named === null) return connectionId;
  const account = text(named, 'an event with an account that is no id');
  if (vouchesForOthers) return account;
  if (connectionId.startsWith('acct_') && account !== connectionId)
    throw new MalformedDeliveryError('an event of another account than its URL');
  return connectionId; // A name of the host's own, for an account whose id is not known.
}

/** Objects of the v2 API have no record: its paths are not in the table, and nothing could be fetched. */
function relatedId(resource: string, { id, url }: Json): string | null {
  if (typeof url !== 'string' || !url.startsWith('/v1/')) return null;
  return recordIdIn(resource, url) ?? recordIdOf(resource, { id });
}

/** Without a byte order mark. Strict: bytes replaced here would be lost for ever. */
const UTF_8 = new TextDecoder('utf-8', { fatal: true });

function decode(body: Uint8Array): string {
  try {
    return UTF_8.decode(body);
  } catch {
    throw new MalformedDeliveryError('not UTF-8');
  }
}

function parseJson(payload: string): unknown {
  try {
    return JSON.parse(payload);
  } catch {
    throw new MalformedDeliveryError('not JSON'); // Or nested too deeply for the stack.
  }
}

function text(value: unknown, reason: string): string {
  if (typeof value !== 'string' || value === '') throw new MalformedDeliveryError(reason);
  return value;
}

function dateOf(time: number | string): Date | null {
  const date = new Date(time);
  return Number.isNaN(date.getTime()) ? null : date;
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
