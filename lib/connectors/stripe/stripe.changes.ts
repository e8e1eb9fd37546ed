import type { ChangesPage, ChangesRequest, FetchOptions, IncomingEvent } from '../../model/connector.js';
import { CursorExpiredError, MalformedDeliveryError } from '../../sync.errors.js';
import type { StripeAccess, StripeClient, StripeResponse } from './stripe.client.js';
import { parseLoggedEvent } from './stripe.event.js';
import { failureOf, isMissing } from './stripe.failure.js';

/** Events can be listed for so long (docs.stripe.com/webhooks/process-undelivered-events), less some time to do it. */
export const LOG_SECONDS = 30 * 86_400 - 3_600;

/** The log is read again from so long before its newest event: an earlier one may have come into it later. */
const OVERLAP_SECONDS = 60;

/** Stripe's largest. */
const PAGE_SIZE = 100;

export const EVENTS_PATH = '/v1/events';

/**
 * Where a walk stands. It begins by time, since the newest event that was seen, less the overlap; Stripe lists newest
 * first, so a window with more than a page in it is narrowed until its oldest page is found. From there on the list is
 * read upwards, after the event that was read last.
 */
interface Position {
  /** Seconds. Where the window begins, and where it is to end: missing, with the log. */
  readonly since: number;
  readonly until?: number;
  /** Read upwards from here. */
  readonly after?: string;
  /** Within one second that holds more than a page: read downwards from here, and later upwards from its top. */
  readonly before?: string;
  readonly top?: string;
  /** The window before this one was empty. */
  readonly sparse?: boolean;
  /** The newest event that was seen, in seconds, and its id. */
  readonly newest?: number;
  readonly newestId?: string;
  /** When it was seen first, in seconds, by the reader's clock. */
  readonly seenAt?: number;
  /** When the log was last read to its end, in seconds, by the reader's clock. */
  readonly readAt?: number;
}

interface LogPage {
  readonly events: readonly { readonly id: string; readonly created: number }[];
  readonly more: boolean;
}

/** One page of an account's log of events, oldest first: `Connector.changes`. */
export async function readChanges(
  client: StripeClient,
  access: StripeAccess,
  request: ChangesRequest,
  options: FetchOptions,
): Promise<ChangesPage> {
  const position = positionOf(request);
  const response = await client.get(
    { ...access, path: pathOf(position), label: `GET ${EVENTS_PATH}` },
    options,
  );
  // Between two pages, the event to go on from has grown too old.
  if (position.after && isMissing(response.answer)) return again(position);
  const page = pageOf(response);
  const next = nextPosition(position, page, Math.floor(request.now.getTime() / 1000));
  const taken = next.skipped ? [] : [...page.events].reverse();
  return {
    events: taken.flatMap((event) => parsed(event, request.connectionId)),
    cursor: JSON.stringify(next.position),
    more: next.more,
  };
}

function positionOf({ cursor, since, now }: ChangesRequest): Position {
  const oldest = Math.floor(now.getTime() / 1000) - LOG_SECONDS;
  if (cursor === null) {
    const from = Math.floor(since.getTime() / 1000) - OVERLAP_SECONDS;
    return { since: Math.max(from, oldest), readAt: oldest + LOG_SECONDS };
  }
  const position = JSON.parse(cursor) as Position;
  const readAt = position.readAt ?? position.since;
  if (readAt >= oldest) return position;
  throw new CursorExpiredError(
    `Stripe keeps events for 30 days, and the log was last read on ${new Date(readAt * 1000).toISOString()}`,
    new Date(oldest * 1000),
  );
}

function pathOf({ since, until, after, before }: Position): string {
  const query = new URLSearchParams({ limit: String(PAGE_SIZE) });
  if (after) query.set('ending_before', after);
  else {
    query.set('created[gte]', String(since));
    if (until !== undefined) query.set('created[lte]', String(until));
    if (before) query.set('starting_after', before);
  }
  return `${EVENTS_PATH}?${query.toString()}`;
}

function pageOf({ body, answer }: StripeResponse): LogPage {
  const isOk = answer.status !== undefined && answer.status >= 200 && answer.status < 300;
  if (!isOk || body.object !== 'list' || !Array.isArray(body.data))
    throw failureOf(answer, `GET ${EVENTS_PATH}`);
  return { events: body.data as LogPage['events'], more: body.has_more === true };
}

interface Next {
  readonly position: Position;
  readonly more: boolean;
  /** What was read is not the oldest yet: it is read again when its turn comes. */
  readonly skipped?: boolean;
}

function nextPosition(position: Position, { events, more }: LogPage, now: number): Next {
  const { since, until, after, top } = position;
  const [first, last] = [events[0], events.at(-1)];
  const seen = seenBy(position, first, now);
  if (!more && (after || until === undefined)) return { position: atEnd(since, seen, now), more };
  if (after) return { position: { ...position, ...seen, after: first!.id }, more };
  if (!more) return { position: { ...above(position, first?.id), ...seen }, more: true };
  if (until === since)
    return { position: { ...position, ...seen, before: last!.id, top: top ?? first!.id }, more };
  return {
    position: { ...position, until: narrower(position, first!.created, last!.created) },
    more,
    skipped: true,
  };
}

type Seen = Pick<Position, 'newest' | 'newestId' | 'seenAt'>;

/** @param first the newest event of a page */
function seenBy(position: Position, first: LogPage['events'][number] | undefined, now: number): Seen {
  const { newest, newestId, seenAt, before } = position;
  // Of one second that is read downwards, the first page has the newest.
  if (!first || (newest !== undefined && first.created < newest + (before ? 1 : 0)))
    return { newest, newestId, seenAt };
  return { newest: first.created, newestId: first.id, seenAt: first.created === newest ? seenAt : now };
}

/**
 * Nothing is above: the next walk begins anew, where events may still come in late. Where nothing new has come for so long
 * that none can any more, it goes on after the newest.
 */
function atEnd(since: number, seen: Seen, now: number): Position {
  const { newest, newestId, seenAt } = seen;
  if (newest === undefined) return { since, readAt: now };
  if (now - (seenAt ?? now) < 2 * OVERLAP_SECONDS)
    return { since: Math.max(since, newest - OVERLAP_SECONDS), ...seen, readAt: now };
  return { since: Math.max(since, newest), after: newestId, ...seen, readAt: now };
}

/** The window is read, and what lies above it is still to come. */
function above({ since, until, top, readAt }: Position, first: string | undefined): Position {
  const after = top ?? first;
  return after ? { since, after, readAt } : { since: until! + 1, sparse: true, readAt };
}

/**
 * Where to end a window that holds more than a page, so that it is likely to hold half of one: events come evenly, or
 * there has been a long silence before them, which is halved at each step. Always earlier than the newest in it.
 */
function narrower({ since, sparse }: Position, newest: number, oldest: number): number {
  const middle = Math.floor((newest - 1 - since) / 2);
  const halfPage = Math.floor((newest - oldest) / 2);
  return since + Math.max(0, sparse ? middle : Math.min(halfPage, middle));
}

function again({ since, newest, newestId, seenAt, readAt }: Position): ChangesPage {
  return { events: [], cursor: JSON.stringify({ since, newest, newestId, seenAt, readAt }), more: true };
}

function parsed(event: unknown, connectionId: string): IncomingEvent[] {
  try {
    return [parseLoggedEvent(event, connectionId)];
  } catch (error) {
    if (error instanceof MalformedDeliveryError) return [];
    throw error;
  }
}
