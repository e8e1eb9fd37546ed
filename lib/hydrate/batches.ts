import DataLoader from 'dataloader';
import type { PassTraffic } from './pass-traffic.js';

/** How often those who gather look whether more may come. */
const LOOK_EVERY_MS = 3;

/** Passes may be busy with something else: where none has come for so long, none is waited for. */
const QUIET_MS = 100;

/** Nobody waits longer than this for company. */
const LONGEST_MS = 500;

interface Gathering {
  readonly since: number;
  items: number;
  lastAt: number;
  send(): void;
}

/**
 * Does for many what would be done for each. A batch goes when every pass that runs is in it or in one like it: alone at
 * once, and under load with as many as there are passes. One batch is under way at a time, unless that takes long.
 */
export class Batches<Item, Result> {
  private readonly loader: DataLoader<Item, Result>;
  private gathering?: Gathering;
  private underWay = 0;

  /**
   * @param most items at once
   * @param work never throws; one result for each item, in the same order
   */
  constructor(
    private readonly most: number,
    private readonly traffic: PassTraffic,
    private readonly work: (items: readonly Item[]) => Promise<readonly Result[]>,
  ) {
    this.loader = new DataLoader((items) => this.run(items), {
      // What was asked for before says nothing of now.
      cache: false,
      maxBatchSize: most,
      batchScheduleFn: (send) => this.gather(send),
    });
  }

  async add(item: Item): Promise<Result> {
    this.traffic.waiting += 1;
    try {
      const result = this.loader.load(item);
      this.count();
      return await result;
    } finally {
      this.traffic.waiting -= 1;
    }
  }

  private async run(items: readonly Item[]): Promise<readonly Result[]> {
    this.underWay += 1;
    try {
      return await this.work(items);
    } finally {
      this.underWay -= 1;
    }
  }

  private gather(send: () => void): void {
    const now = performance.now();
    const gathering = { since: now, items: 0, lastAt: now, send };
    this.gathering = gathering;
    setImmediate(() => this.look(gathering));
  }

  private count(): void {
    const { gathering } = this;
    if (!gathering) return;
    gathering.items += 1;
    gathering.lastAt = performance.now();
    if (gathering.items >= this.most) this.send(gathering);
  }

  private look(gathering: Gathering): void {
    if (this.gathering !== gathering) return;
    if (this.isReady(gathering)) this.send(gathering);
    else setTimeout(() => this.look(gathering), LOOK_EVERY_MS);
  }

  private isReady({ since, lastAt }: Gathering): boolean {
    const now = performance.now();
    if (now - since >= LONGEST_MS) return true;
    return this.underWay === 0 && (this.traffic.isStill || now - lastAt >= QUIET_MS);
  }

  private send(gathering: Gathering): void {
    this.gathering = undefined;
    gathering.send();
  }
}
