import { HandlerTimeoutError } from './process.errors.js';

/**
 * The work's result, if it comes in time. What comes of it later is nobody's business any more.
 * @throws HandlerTimeoutError
 */
export async function withinTime<T>(timeoutMs: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      work.catch(() => undefined);
      reject(new HandlerTimeoutError(timeoutMs));
    }, timeoutMs);
  });
  try {
    return await Promise.race([work, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
