import { inTime } from '../model/in-time.js';
import { HandlerTimeoutError } from './process.errors.js';

/**
 * The work's result, if it comes in time.
 * @throws HandlerTimeoutError
 */
export function withinTime<T>(timeoutMs: number, work: Promise<T>): Promise<T> {
  return inTime(timeoutMs, work, () => {
    throw new HandlerTimeoutError(timeoutMs);
  });
}
