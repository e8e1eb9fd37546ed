/**
 * How to say that an event waits, beside what it is looked up by. Postgres goes by what it counted last, which may have been before
 * the backlog came: where it knows of no waiting events, it would rather go over the index of all that wait than look one up in
 * another, and do so for each of a hundred thousand. An index can be used where its own condition follows from what is asked: so what
 * is asked has only that of the right one follow from it.
 */

/** Beside the id. */
export const WAITS = `COALESCE(state, '') = 'waiting'`;

/** Beside the record's key. @param alias of the table of events, with a dot */
export function waitsOfRecord(alias = ''): string {
  return `${alias}state IN ('waiting', 'dead') AND COALESCE(${alias}state, '') = 'waiting'`;
}
