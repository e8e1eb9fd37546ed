import { inTime } from '../model/in-time.js';

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
  endsWithin(timeMs: number): Promise<boolean> {
    return inTime(timeMs, this.ended(), () => false);
  }

  private async ended(): Promise<true> {
    while (this.work.size > 0) await Promise.allSettled(this.work);
    return true;
  }
}
