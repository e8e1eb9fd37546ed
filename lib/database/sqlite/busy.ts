import { isDeadlock } from '../database.errors.js';

const LONGEST_PAUSE_MS = 20;

/**
 * Tries again for as long as another connection has the database. Not by the driver's own time-out, which waits with the
 * whole process: whoever has to be waited for could then not go on.
 */
export async function whileBusy<T>(limitMs: number, work: () => Promise<T>): Promise<T> {
  const startedAt = performance.now();
  for (let pauseMs = 1; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
    try {
      return await work();
    } catch (error) {
      if (!isDeadlock(error) || performance.now() - startedAt > limitMs) throw error;
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }
}
