/**
 * The work's result, if it comes in time.
 * @param giveUp called if not, with the error that is thrown: to cut the connection that nobody may use any more
 */
export async function withinLimit<T>(
  limitMs: number,
  work: Promise<T>,
  giveUp: (error: Error) => Promise<void>,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const error = new Error(`there was no answer within ${limitMs} ms`);
      work.catch(() => undefined);
      reject(error);
      void giveUp(error);
    }, limitMs);
  });
  try {
    return await Promise.race([work, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
