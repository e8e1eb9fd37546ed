/** Work that has begun and not ended, so that the application's end can wait for it: it needs the database until then. */
export class UnderWay {
  private readonly work = new Set<Promise<unknown>>();

  follow<T>(promise: Promise<T>): Promise<T> {
    this.work.add(promise);
    const ended = () => this.work.delete(promise);
    promise.then(ended, ended);
    return promise;
  }

  /** Whether all of it ends, well or badly, before the time is up. What it begins meanwhile counts too. */
  async endsWithin(timeMs: number): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<false>((resolve) => (timer = setTimeout(resolve, timeMs, false)));
    try {
      return await Promise.race([late, this.ended()]);
    } finally {
      clearTimeout(timer);
    }
  }

  private async ended(): Promise<true> {
    while (this.work.size > 0) await Promise.allSettled(this.work);
    return true;
  }
}
