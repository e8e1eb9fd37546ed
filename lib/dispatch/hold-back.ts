/** Holds something back for a while, unless it is let go before. */
export class HoldBack {
  private timer?: NodeJS.Timeout;

  constructor(
    private readonly forMs: number,
    private readonly over: () => void,
  ) {}

  /** From the first time that this is asked for. */
  begin(): void {
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      this.over();
    }, this.forMs);
  }

  letGo(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
  }
}
