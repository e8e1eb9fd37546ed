import { SalesforceApiError } from './api-error.js';

/** Records that someone else is at. */
export class RowLocks {
  private readonly left = new Map<string, number>();

  /** @param attempts so many writes find it locked */
  lock(id: string, attempts: number): void {
    this.left.set(id, attempts);
  }

  unlock(id: string): void {
    this.left.delete(id);
  }

  /** @throws SalesforceApiError `UNABLE_TO_LOCK_ROW` */
  admit(id: string): void {
    const left = this.left.get(id) ?? 0;
    if (left <= 0) return;
    this.left.set(id, left - 1);
    throw new SalesforceApiError(
      400,
      'UNABLE_TO_LOCK_ROW',
      'unable to obtain exclusive access to this record or 1 records',
      [],
    );
  }
}
