/** SQL with `$1`, `$2`… and their values, whatever the database's own placeholders look like. */
export interface Statement {
  readonly sql: string;
  readonly params: readonly unknown[];
  /** The text is one of few, whatever the values: worth preparing. */
  readonly recurs?: boolean;
}

/** How `Dialect.isOneOf()` says it where there are no arrays. */
export function isListed(
  column: string,
  _kind: unknown,
  values: readonly unknown[],
  params: unknown[],
): string {
  return `${column} IN (${listed(params, values)})`;
}

/** Places for a list of values, which are added to the parameters: `IN (${listed(params, ids)})`. Not for none. */
export function listed(params: unknown[], values: readonly unknown[]): string {
  return values.map((value) => `$${params.push(value)}`).join(', ');
}

/** A number to be written into SQL as it stands. */
export function whole(value: number): string {
  if (!Number.isFinite(value)) throw new RangeError(`${value} is no number to write into SQL`);
  return String(Math.round(value));
}
