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

/** @param fields undefined: all */
export function selectionOf(fields: readonly string[] | undefined): string {
  return fields ? [...new Set([...OWN_FIELDS, ...fields])].join(', ') : 'FIELDS(ALL)';
}
