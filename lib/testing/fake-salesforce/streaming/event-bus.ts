/** Platform events and change events can be read again for 72 hours. */
const RETENTION_MS = 72 * 3_600_000;

/** Only those from now on; all that are kept. */
export const NEW_ONLY = -1;
export const ALL_KEPT = -2;

/** What was published, as subscribers get it. */
export interface BusMessage {
  readonly replayId: number;
  readonly channels: readonly string[];
  readonly data: object;
  readonly at: number;
}

/** What an org tells those who subscribe: kept in order, each under a replay id. */
export class EventBus {
  private kept: BusMessage[] = [];
  private readonly listeners: (() => void)[] = [];
  private newest = 0;
  private forgotten = 0;

  constructor(private readonly now: () => Date) {}

  /** Told of each message. */
  onPublish(listener: () => void): void {
    this.listeners.push(listener);
  }

  /** @param event what stands beside the replay id */
  publish(channels: readonly string[], payload: object, event: object = {}): void {
    // Ids ascend, and leave some out, as those of Salesforce do.
    const replayId = (this.newest += 3);
    const data = { schema: 'schema', payload, event: { ...event, replayId } };
    this.kept.push({ replayId, channels, data, at: this.now().getTime() });
    for (const listener of this.listeners) listener();
  }

  /** The last replay id that was given out. */
  get position(): number {
    return this.newest;
  }

  /** Whether what came after that id is still kept. */
  reaches(replayId: number): boolean {
    this.prune();
    return replayId === NEW_ONLY || replayId === ALL_KEPT || replayId > this.forgotten;
  }

  after(channel: string, replayId: number, most: number): BusMessage[] {
    this.prune();
    const found: BusMessage[] = [];
    // From behind: subscribers are nearly always at the end.
    for (let i = this.kept.length - 1; i >= 0 && this.kept[i]!.replayId > replayId; i -= 1)
      if (this.kept[i]!.channels.includes(channel)) found.unshift(this.kept[i]!);
    return found.slice(0, most);
  }

  /** Everything so far is kept no longer. */
  forgetAll(): void {
    this.kept = [];
    this.forgotten = this.newest;
  }

  private prune(): void {
    const oldest = this.now().getTime() - RETENTION_MS;
    while (this.kept[0] && this.kept[0].at < oldest) this.forgotten = this.kept.shift()!.replayId;
  }
}
