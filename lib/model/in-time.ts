/**
 * What comes of the work, or else, if that does not come in time, of `late`. What comes of the work later is nobody's
 * business any more.
 */
export async function inTime<T, Late>(ms: number, work: Promise<T>, late: () => Late): Promise<T | Late> {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<void>((resolve) => (timer = setTimeout(resolve, ms))).then(() => {
    work.catch(() => undefined);
    return late();
  });
  try {
    return await Promise.race([work, over]);
  } finally {
    clearTimeout(timer);
  }
}
