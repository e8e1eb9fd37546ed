import type { ChangesPage, ChangesRequest, FetchOptions, IncomingEvent } from '../../model/connector.js';
import { CursorExpiredError } from '../../sync.errors.js';
import type { SalesforceClient, SalesforceRow } from './salesforce.client.js';
import { areDeletionsDue, readDeletions, type Deletion } from './salesforce.deletions.js';
import { longIdOf } from './salesforce.record-id.js';
import { quoted, timeLiteral } from './salesforce.soql.js';
import { msOf } from './salesforce.time.js';

/** As many rows as a query answers with at once. */
const PAGE_SIZE = 2_000;

/**
 * Only seconds that are over for so long are read: stamps are of whole seconds, and a record that changes twice in one has
 * the same stamp twice.
 */
const SETTLE_MS = 2_000;

/** Deleted records are in the recycle bin for 15 days, less some time to find them. */
const BIN_MS = 15 * 86_400_000 - 3_600_000;

/** How far the walk over one object has come. */
interface Place {
  /** The stamp of the last row, in milliseconds, and its id if the walk is within a window. */
  readonly at: number;
  readonly id?: string;
  /** Where the window ends. */
  readonly until?: number;
  /** All that was deleted before that time is known, in milliseconds; null: the org keeps no log of it. */
  readonly deletedTo?: number | null;
}

interface Position {
  readonly objects: Readonly<Record<string, Place>>;
  /** The object that is read next; missing: the walk begins. */
  readonly next?: string;
  /** Its log of deletions is, and not what has changed of it. */
  readonly deletions?: boolean;
  /** When all objects were last read to the end, in milliseconds. */
  readonly readAt: number;
}

/**
 * One page of what has changed, object after object, each in the order of stamp and id, and then what was deleted of it:
 * `Connector.changes`. There is no log of changes to be read by query: a record that has changed often comes once, as it is now.
 */
export async function readChanges(
  client: SalesforceClient,
  objects: readonly string[],
  overlapMs: number,
  request: ChangesRequest,
  options: FetchOptions,
): Promise<ChangesPage> {
  const now = request.now.getTime();
  const position = positionOf(request, now);
  const isKnown = position.next !== undefined && objects.includes(position.next);
  const object = isKnown ? position.next : objects[0]!;
  const known = position.objects[object];
  if (isKnown && position.deletions && known?.deletedTo) {
    const oldest = Math.min(...Object.values(position.objects).map(({ at }) => at));
    const { deletions, to } = await readDeletions(client, object, known.deletedTo, oldest, now, options);
    const events = deletions.map((deletion) => deletionOf(object, deletion, request.connectionId));
    return pageOf(events, position, object, { ...known, deletedTo: to }, followingOf(objects, object), now);
  }
  const place = placeOf(known, request.since.getTime(), overlapMs, now);
  const { records } = await client.query(soqlOf(object, place), true, `query ${object}`, options);
  const isMore = records.length === PAGE_SIZE;
  const last = records.at(-1);
  // What was deleted before the first walk is in the bin, or was never known.
  const { deletedTo = now } = known ?? {};
  const reached: Place = isMore
    ? { at: stampOf(last!), id: last!.Id, until: place.until, deletedTo }
    : { at: Math.max(place.at, last ? stampOf(last) : 0, known?.at ?? 0), deletedTo };
  const areDue = !isMore && areDeletionsDue(deletedTo, now);
  const next = isMore || areDue ? { next: object, deletions: areDue } : followingOf(objects, object);
  const events = records.map((row) => eventOf(object, row, request.connectionId));
  return pageOf(events, position, object, reached, next, now);
}

type Next = Pick<Position, 'next' | 'deletions'>;

function followingOf(objects: readonly string[], object: string): Next {
  return { next: objects[objects.indexOf(object) + 1] };
}

function pageOf(
  events: readonly IncomingEvent[],
  { objects, readAt }: Position,
  object: string,
  reached: Place,
  next: Next,
  now: number,
): ChangesPage {
  const more = next.next !== undefined;
  const cursor: Position = {
    objects: { ...objects, [object]: reached },
    ...next,
    readAt: more ? readAt : now,
  };
  return { events, cursor: JSON.stringify(cursor), more };
}

function positionOf({ cursor }: ChangesRequest, now: number): Position {
  if (cursor === null) return { objects: {}, readAt: now };
  const position = JSON.parse(cursor) as Position;
  if (now - position.readAt < BIN_MS) return position;
  throw new CursorExpiredError(
    `Salesforce keeps deleted records for 15 days, and changes were last read on ${new Date(position.readAt).toISOString()}`,
    new Date(now - BIN_MS),
  );
}

/** Where the next page begins: within a window, or at a new one that begins before the newest stamp that was seen. */
function placeOf(place: Place | undefined, since: number, overlapMs: number, now: number): Place {
  if (place?.id !== undefined) return place;
  const from = (place?.at ?? since) - overlapMs;
  return { at: from, until: Math.floor((now - SETTLE_MS) / 1000) * 1000 };
}

function soqlOf(object: string, { at, id, until }: Place): string {
  const from = timeLiteral(at);
  const after =
    id === undefined
      ? `SystemModstamp >= ${from}`
      : `(SystemModstamp > ${from} OR (SystemModstamp = ${from} AND Id > ${quoted(id)}))`;
  return (
    `SELECT Id, IsDeleted, CreatedDate, SystemModstamp FROM ${object} WHERE ${after} ` +
    `AND SystemModstamp < ${timeLiteral(until!)} ORDER BY SystemModstamp, Id LIMIT ${PAGE_SIZE}`
  );
}

function stampOf(row: SalesforceRow): number {
  return msOf(row.SystemModstamp);
}

function eventOf(object: string, row: SalesforceRow, connectionId: string): IncomingEvent {
  const id = longIdOf(row.Id) ?? row.Id;
  const deletion = row.IsDeleted === true;
  const stamp = String(row.SystemModstamp);
  return {
    eventId: `${id}:${stamp}`,
    type: `${object}.${deletion ? 'deleted' : 'changed'}`,
    connectionId,
    resource: object,
    recordId: id,
    occurredAt: new Date(stampOf(row)),
    deletion,
    payload: JSON.stringify({
      Id: id,
      IsDeleted: deletion,
      CreatedDate: row.CreatedDate,
      SystemModstamp: stamp,
    }),
  };
}

/** As the recycle bin tells of it: who is found there too is known already. */
function deletionOf(object: string, { id, deletedDate }: Deletion, connectionId: string): IncomingEvent {
  const row = { Id: id, IsDeleted: true, SystemModstamp: deletedDate };
  return eventOf(object, row, connectionId);
}
