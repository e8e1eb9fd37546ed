import { timingSafeEqual, createHash } from 'node:crypto';
import { XMLParser, XMLValidator } from 'fast-xml-parser';
import type { Acknowledgement, Delivery, IncomingEvent, Verdict } from '../../model/connector.js';
import { MalformedDeliveryError } from '../../sync.errors.js';
import type { OutboundMessageOptions } from './salesforce.options.js';
import { longIdOf } from './salesforce.record-id.js';

/** Anything else, a 200 without it too, and the message comes again for 24 hours ("Outbound Messaging", developer.salesforce.com). */
export const ACKNOWLEDGEMENT: Acknowledgement = {
  contentType: 'text/xml; charset=utf-8',
  body:
    '<?xml version="1.0" encoding="UTF-8"?>' +
    '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>' +
    '<notificationsResponse xmlns="http://soap.sforce.com/2005/09/outbound"><Ack>true</Ack></notificationsResponse>' +
    '</soapenv:Body></soapenv:Envelope>',
};

/** Salesforce sends no more by one message. */
const MOST_NOTIFICATIONS = 100;

const parser = new XMLParser({
  ignoreAttributes: false,
  attributeNamePrefix: '@',
  removeNSPrefix: true,
  // Texts are texts: an id of digits is no number.
  parseTagValue: false,
  parseAttributeValue: false,
  isArray: (name) => name === 'Notification',
});

/** Whether whoever delivers knows a secret or has the certificate. Nothing of the body is looked at. */
export function verifyMessage(delivery: Delivery, options: OutboundMessageOptions | undefined): Verdict {
  if (!options) return { ok: false, reason: 'no-signature' };
  const { secrets = [], certificateHeader } = options;
  const given = new URLSearchParams(delivery.search).get('secret');
  const isKnown = secrets.map((secret) => isSame(given ?? '', secret)).includes(true);
  const header = certificateHeader && delivery.headers[certificateHeader.name.toLowerCase()];
  const isCertified = typeof header === 'string' && isSame(header, certificateHeader!.value);
  if (isKnown || isCertified) return { ok: true };
  return { ok: false, reason: given === null && header === undefined ? 'no-signature' : 'wrong-signature' };
}

/**
 * The notifications of a message, each an event about a record that has changed: `Account.notified`.
 * @throws MalformedDeliveryError
 */
export function parseMessage({ body, connectionId }: Delivery, organizationId: string): IncomingEvent[] {
  const { OrganizationId, Notification } = notificationsIn(body.toString('utf8'));
  if (longIdOf(OrganizationId) !== longIdOf(organizationId))
    throw new MalformedDeliveryError('of another organisation');
  if (!Array.isArray(Notification) || Notification.length === 0)
    throw new MalformedDeliveryError('no notification');
  if (Notification.length > MOST_NOTIFICATIONS) throw new MalformedDeliveryError('too many notifications');
  return Notification.map((notification) => eventOf(notification as Fields, connectionId));
}

type Fields = Readonly<Record<string, unknown>>;

function notificationsIn(text: string): Fields {
  // Salesforce needs neither, and both let a document do more than be read.
  if (/<!(DOCTYPE|ENTITY)/i.test(text)) throw new MalformedDeliveryError('a document type is not allowed');
  if (XMLValidator.validate(text) !== true) throw new MalformedDeliveryError('no XML');
  const document = parsed(text);
  const found = fieldsIn(fieldsIn(fieldsIn(document, 'Envelope'), 'Body'), 'notifications');
  if (!found) throw new MalformedDeliveryError('no outbound message');
  return found;
}

function parsed(text: string): Fields {
  try {
    return parser.parse(text) as Fields;
  } catch {
    throw new MalformedDeliveryError('no XML');
  }
}

function fieldsIn(fields: Fields | undefined, name: string): Fields | undefined {
  const inner = fields?.[name];
  return typeof inner === 'object' && inner !== null && !Array.isArray(inner) ? (inner as Fields) : undefined;
}

function eventOf(notification: Fields, connectionId: string): IncomingEvent {
  const { Id: eventId } = notification;
  const { '@type': type, ...fields } = fieldsIn(notification, 'sObject') ?? {};
  const recordId = longIdOf(fields.Id);
  const resource = typeof type === 'string' ? type.replace(/^.*:/, '') : '';
  if (typeof eventId !== 'string' || eventId === '' || recordId === null || !/^\w+$/.test(resource))
    throw new MalformedDeliveryError('a notification without its id, or that of its record');
  const own = Object.entries(fields).filter(([name]) => !name.startsWith('@'));
  return {
    eventId,
    type: `${resource}.notified`,
    connectionId,
    resource,
    recordId,
    occurredAt: timeOf(fields.SystemModstamp ?? fields.LastModifiedDate),
    deletion: false,
    payload: JSON.stringify(Object.fromEntries(own)),
  };
}

function timeOf(text: unknown): Date | null {
  const ms = typeof text === 'string' ? Date.parse(text) : NaN;
  return Number.isNaN(ms) ? null : new Date(ms);
}

/** In a time that tells nothing of either. */
function isSame(given: string, wanted: string): boolean {
  const hash = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(hash(given), hash(wanted));
}
