/** Times at which to look again. Those that fall within `everyMs` are one. */
export class WakeUps {
  private readonly timers = new Map<number, NodeJS.Timeout>();

  constructor(
    private readonly everyMs: number,
    private readonly wake: () => void,
  ) {}

  in(ms: number): void {
    const at = Math.ceil((performance.now() + ms) / this.everyMs) * this.everyMs;
    if (this.timers.has(at)) return;
    const timer = setTimeout(() => {
      this.timers.delete(at);
      this.wake();
    }, at - performance.now());
    this.timers.set(at, timer);
  }

  clear(): void {
    for (const timer of this.timers.values()) clearTimeout(timer);
    this.timers.clear();
  }
}
