import { SyncError } from '../../sync.errors.js';
import type { WriteStatement } from './write-statement.js';

/**
 * A handler wrote on another connection than its transaction's: that write is kept when the handler fails, and made
 * again when it is tried again. Found by the test kit, which does not let the statement through.
 */
export class OutsideWriteError extends SyncError {
  readonly code = 'SYNC_OUTSIDE_WRITE';

  constructor(
    /** The handler's name. */
    readonly handler: string,
    /** What it wrote; no values. */
    readonly statement: WriteStatement,
  ) {
    const { verb, table } = statement;
    super(
      `${handler} wrote outside its transaction (${verb}${table === null ? '' : ` ${table}`}): write through ` +
        `context.manager, or it happens again whenever the handler is tried again. If it may, give the handler ` +
        `{ transaction: 'none' }`,
    );
  }
}
