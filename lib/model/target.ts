import type { Connector, FetchOptions } from './connector.js';

/** One row for a target: what is to stand there under an id, or that nothing is. */
export interface TargetRow<Row extends object = any> {
  /** What identifies it at the target. Of a mirror, the record's id, unless the mirror has a `key`. */
  readonly id: string;
  /** The fields to be set; those that are not named stay as they are. `null`: there is to be no such row. */
  readonly row: Row | null;
}

/** What a target is given to write with. */
export interface TargetContext extends FetchOptions {
  /** That of the target's `source`. */
  readonly connector: Connector | undefined;
}

/**
 * Where mirrors and handlers write that is no table of the module's data source: a CRM, a warehouse. Rows of different
 * records that are written at the same moment come together. No transaction is open meanwhile, and no connection held.
 */
export interface Target<Row extends object = any> {
  /** Names it in messages, and in the names of mirrors: `crm.Invoice__c`. */
  readonly name: string;
  /** How many rows `write` and `read` may be given at once. @default 1 */
  readonly mostRows?: number;
  /** The source that it is a part of: whose connector it is given, and whose budget pays for each `write` and `read`. */
  readonly source?: string;
  /** The connection of that source. @default 'default' */
  readonly connectionId?: string;

  /** What is wrong with it, in a sentence, found at boot; `null`: nothing. */
  problem?(connector: Connector | undefined): string | null;

  /**
   * What is wrong with it by what is there, in a sentence; `null`: nothing. Asked once at boot by processes that run handlers.
   * @throws where that cannot be found out now, which keeps nobody from booting
   */
  inspect?(context: TargetContext): Promise<string | null>;

  /**
   * Writes rows of different ids. A row may come again after it was written, and older ones after newer ones never: the
   * same row twice must do what it does once.
   * @returns for each row, in the same order, `null` if it stands, or why not: UnrecoverableError for what will never work,
   *   RetryLaterError for what is nobody's fault, and any other error for what may work at a later attempt
   * @throws what concerns all of them: ProviderError, or any of these
   */
  write(rows: readonly TargetRow<Row>[], context: TargetContext): Promise<readonly (Error | null)[]>;

  /**
   * Reads rows as they stand, for reconciliations of the records that they are made from: a row that differs is written again.
   * Missing: nobody looks at what stands there. It must see what `write` has written, or that is taken for changed.
   * @param rows as they would be written: `id` says which to read, `row` which fields will be compared
   * @returns for each, in the same order, its fields as they stand under the names that they have in `row`, or `null` if there
   *   is no such row. A field that is left out is empty
   * @throws RetryLaterError, or ProviderError that is not `rejected`, for what is nobody's fault: tried again, up to eight times
   *   over some minutes. Any other error: up to three times. Then the resource's part of the run has failed
   */
  read?(rows: readonly TargetRow<Row>[], context: TargetContext): Promise<readonly (object | null)[]>;

  /**
   * Whether a field holds what it holds after `wanted` was written to it. To be lenient is to overlook a change, to be strict is to
   * write the row at each reconciliation.
   * @default numbers, decimals in text, dates and flags are compared by what they mean; `undefined` is `null`; objects whole, by JSON
   */
  isSame?(found: unknown, wanted: unknown, field: string): boolean;
}
