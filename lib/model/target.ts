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
  /** How many rows `write` may be given. @default 1 */
  readonly mostRows?: number;
  /** The source that it is a part of: whose connector it is given, and whose budget pays for each `write`. */
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
}
