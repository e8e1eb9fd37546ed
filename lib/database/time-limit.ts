import { inTime } from '../model/in-time.js';

/**
 * The work's result, if it comes in time.
 * @param giveUp called if not, with the error that is thrown: to cut the connection that nobody may use any more
 */
export function withinLimit<T>(
  limitMs: number,
  work: Promise<T>,
  giveUp: (error: Error) => Promise<void>,
): Promise<T> {
  return inTime(limitMs, work, () => {
    const error = new Error(`there was no answer within ${limitMs} ms`);
    void giveUp(error);
    throw error;
  });
}
