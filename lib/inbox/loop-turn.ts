/**
 * The turn that the event loop is in. One that has too much to read takes seconds, and comes to timers only at its end:
 * what is read late in it has waited for about as long as it lasts.
 */
export class LoopTurn {
  private startedAt?: number;

  /** When it began: when somebody asked for the first time in it, by `performance.now()`. */
  get since(): number {
    if (this.startedAt === undefined) {
      this.startedAt = performance.now();
      setImmediate(() => (this.startedAt = undefined));
    }
    return this.startedAt;
  }
}
