/** A text in a query. */
export function quoted(text: string): string {
  return `'${text.replaceAll(/['\\]/g, '\\$&').replaceAll('\n', '\\n').replaceAll('\r', '\\r')}'`;
}

/** A time in a query, which takes seconds. */
export function timeLiteral(ms: number): string {
  return new Date(Math.floor(ms / 1000) * 1000).toISOString().replace('.000Z', 'Z');
}

/** A query for whole records is bounded by this where it does not name their fields. */
export const MOST_WHOLE_RECORDS = 200;

/** What the connector itself looks at. */
const OWN_FIELDS = ['Id', 'IsDeleted', 'SystemModstamp'];

/** With what the connector itself looks at. */
export function namesOf(fields: readonly string[]): string[] {
  return [...new Set([...OWN_FIELDS, ...fields])];
}

/** @param fields undefined: all */
export function selectionOf(fields: readonly string[] | undefined): string {
  return fields ? namesOf(fields).join(', ') : 'FIELDS(ALL)';
}

/** `WHERE …` for records created within a time, or those of them behind an id; nothing if there is no condition. */
export function whereOf(from: Date | null, to: Date | null, after: string | null): string {
  const second = (time: Date) => timeLiteral(Math.ceil(time.getTime() / 1000) * 1000);
  const conditions = [
    after && `Id > ${quoted(after)}`,
    from && `CreatedDate >= ${second(from)}`,
    to && `CreatedDate < ${second(to)}`,
  ].filter((condition) => condition !== null);
  return conditions.length > 0 ? ` WHERE ${conditions.join(' AND ')}` : '';
}
