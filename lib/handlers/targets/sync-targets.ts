import type { Target } from '../../model/target.js';

/**
 * Writes to targets from handlers: inject it. Rows of one target that are written at the same moment go by one call, whoever
 * writes them. For handlers with `transaction: 'none'`, which run without a transaction, at least once.
 */
export abstract class SyncTargets {
  /**
   * Sets fields of the row with that id, which is made if it is not there.
   * @param target one object for all calls: what is made anew for each shares no call with others
   * @throws what a handler may throw on: UnrecoverableError, RetryLaterError, or Error
   */
  abstract save<Row extends object>(target: Target<Row>, id: string, row: Row): Promise<void>;

  /** Sees to it that there is no row with that id. @throws as `save` */
  abstract delete(target: Target, id: string): Promise<void>;
}
