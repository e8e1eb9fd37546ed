import type { DueRecord } from './dispatcher.js';

/** More are left in the database: the sweep brings them when there is room. */
const CAPACITY = 10_000;

/**
 * Records in line, each once, in one lane for each connection. The lanes take turns, so that a connection with a
 * hundred thousand waiting records does not keep another's only one waiting.
 */
export class Lanes {
  private readonly lanes = new Map<string, Map<string, DueRecord>>();
  private count = 0;

  get size(): number {
    return this.count;
  }

  get isFull(): boolean {
    return this.count >= CAPACITY;
  }

  /** False if there is no room. */
  add(record: DueRecord): boolean {
    if (this.isFull) return false;
    const name = `${record.source} ${record.connectionId}`;
    let lane = this.lanes.get(name);
    if (!lane) this.lanes.set(name, (lane = new Map()));
    const key = record.recordKey.toString('hex');
    if (!lane.has(key)) {
      lane.set(key, record);
      this.count += 1;
    }
    return true;
  }

  /** Up to `most` records, one from each lane in turn. */
  take(most: number): DueRecord[] {
    const taken: DueRecord[] = [];
    while (taken.length < most && this.count > 0) {
      for (const [name, lane] of this.lanes) {
        if (taken.length === most) break;
        const [key, record] = lane.entries().next().value!;
        lane.delete(key);
        this.count -= 1;
        taken.push(record);
        // Served lanes go to the end, empty ones go.
        this.lanes.delete(name);
        if (lane.size > 0) this.lanes.set(name, lane);
      }
    }
    return taken;
  }

  clear(): void {
    this.lanes.clear();
    this.count = 0;
  }
}
