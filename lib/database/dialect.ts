/** What rows are looked up by. */
export type KeyKind = 'digest' | 'id' | 'text';

/** How one kind of database says what the module's statements have to say. Text only: nothing here talks to a server. */
export interface Dialect {
  /** Whether a statement can be given arrays, and each column of its rows as one. */
  readonly hasArrays: boolean;

  /**
   * Whether a column has one of these values, which are added to the parameters. One text for any number of them, where there
   * are arrays. Not for none.
   */
  isOneOf(column: string, kind: KeyKind, values: readonly unknown[], params: unknown[]): string;

  /** Ends a SELECT in a transaction: its rows are locked until the commit. */
  readonly forUpdate: string;

  /** The server's now, and so many milliseconds. */
  now(aheadMs: number): string;

  /** Milliseconds from one time to the other. */
  elapsedMs(from: string, to: string): string;

  /** Ends an INSERT: a row whose key is there already is left as it is. Errors of any other kind stay errors. */
  ignoreClash(key: readonly string[]): string;

  /**
   * Ends an INSERT: what is set in a row whose key is there already.
   * @param set SQL by column, in which `given()` is what was to be inserted and `kept()` what is there
   */
  updateOnClash(key: readonly string[], set: Readonly<Record<string, string>>): string;
  given(column: string): string;
  kept(table: string, column: string): string;

  /** Whether it is this text, to the letter. */
  isText(column: string, text: string): string;

  /** Whether the text has this part in it, to the letter; false for no text. */
  includes(text: string, part: string): string;

  /**
   * Selects what there is in these columns, each once, of rows that fit: at a cost that does not grow with their number, if
   * an index over such rows begins with the columns.
   */
  distinct(table: string, columns: readonly string[], where: string): string;
}
