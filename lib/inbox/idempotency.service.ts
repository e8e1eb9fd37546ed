import { Injectable } from '@nestjs/common';
import type { Delivery, IncomingEvent } from '../model/connector.js';
import { derivedType } from '../model/derived-type.js';
import type { EventOrigin } from '../model/event.js';
import { dedupeKeyOf, recordKeyOf } from '../model/keys.js';
import { eventRecordId, type RecordKey } from '../model/record.js';
import type { InboxRow } from './inbox-row.js';

/** Longest text that the tables' key columns hold, in characters. */
const MAX_TEXT = 255;

/** Gives every event the key under which it enters the inbox once, however often and by whichever door it comes. */
@Injectable()
export class IdempotencyService {
  /** A delivered event. What the tables cannot hold is kept whole, as `unstorable`: nothing verified is refused. */
  rowOf(source: string, event: IncomingEvent, delivery: Delivery): InboxRow {
    return isStorable(event)
      ? this.eventRow(source, event, 'webhook')
      : this.unstorableRow(source, delivery.connectionId, delivery.body);
  }

  /** An event out of the provider's log or stream: the same row as of its delivery, but for the origin. */
  loggedRow(source: string, event: IncomingEvent, origin: 'stream' | 'poll' | 'reconcile'): InboxRow {
    return isStorable(event)
      ? this.eventRow(source, event, origin)
      : this.unstorableRow(source, event.connectionId, Buffer.from(event.payload));
  }

  /**
   * An event that nobody sent: made once for each `cause`.
   * @param listed the record as a page had it, requested with that ticket
   */
  derivedRow(
    record: RecordKey,
    origin: EventOrigin,
    cause: string,
    listed?: { readonly data: object; readonly ticket: string },
  ): InboxRow {
    const text = listed && JSON.stringify(listed.data);
    // What the table cannot hold is fetched instead, like everything that is not listed.
    const body = text === undefined || text.includes('\\u0000') ? null : text;
    return {
      dedupeKey: dedupeKeyOf(`${origin}:${cause}`, record),
      recordKey: recordKeyOf(record),
      record,
      eventId: null,
      type: derivedType(origin, body !== null),
      origin,
      deletion: false,
      occurredAt: null,
      payload: body,
      ticket: body === null ? null : listed!.ticket,
      unstorable: false,
    };
  }

  /** Something verified that the tables cannot hold as it is: its bytes, under a key that depends on them alone. */
  unstorableRow(source: string, connectionId: string, bytes: Buffer): InboxRow {
    const payload = bytes.toString('base64');
    const about = { source, connectionId, resource: 'unstorable', id: '' };
    const dedupeKey = dedupeKeyOf(`unstorable:${payload}`, about);
    const record = { ...about, id: eventRecordId(dedupeKey) };
    return {
      dedupeKey,
      recordKey: recordKeyOf(record),
      record,
      eventId: null,
      type: 'unstorable',
      origin: 'webhook',
      deletion: false,
      occurredAt: null,
      payload,
      ticket: null,
      unstorable: true,
    };
  }

  private eventRow(source: string, event: IncomingEvent, origin: EventOrigin): InboxRow {
    const { connectionId, resource } = event;
    // An event about nothing that has an id is its own record; one without any id, its own payload.
    const eventId = event.eventId ?? `payload:${event.payload}`;
    const about = { source, connectionId, resource, id: event.recordId ?? '' };
    const dedupeKey = dedupeKeyOf(eventId, about);
    const record = { ...about, id: event.recordId ?? eventRecordId(dedupeKey) };
    return {
      dedupeKey,
      recordKey: recordKeyOf(record),
      record,
      eventId: event.eventId,
      type: event.type,
      origin,
      deletion: event.deletion,
      occurredAt: plausible(event.occurredAt),
      payload: event.payload,
      ticket: null,
      unstorable: false,
    };
  }
}

function isStorable(event: IncomingEvent): boolean {
  const texts = [event.eventId, event.type, event.connectionId, event.resource, event.recordId];
  return texts.every(storable) && !event.payload.includes('\0');
}

function storable(text: string | null): boolean {
  return text === null || (text.length <= MAX_TEXT && text.isWellFormed() && !text.includes('\0'));
}

/** Beyond four digits a year is written differently from place to place: such a date says nothing. */
function plausible(date: Date | null): Date | null {
  const year = date?.getUTCFullYear() ?? 0;
  return year >= 1 && year <= 9_999 ? date : null;
}
