import { mergedDue, type DueRecord } from './dispatcher.js';

/** More are left in the database: the sweep brings them when there is room. */
const CAPACITY = 10_000;

/** A claim costs the same for one record as for many; beyond this it gains nothing. */
const BATCH = 100;

/** Of the places: kept free for lanes that come. */
const KEPT_FREE = 0.05;

interface Lane {
  readonly waiting: Map<string, DueRecord>;
  running: number;
}

/**
 * Records in line, each once, in one lane for each connection, and the places in which they run. Lanes take turns,
 * and no lane fills all places: a connection with a hundred thousand waiting records, or with an API that takes
 * twenty seconds to answer, does not keep another's only record waiting.
 */
export class Lanes {
  private readonly lanes = new Map<string, Lane>();
  private waitingCount = 0;
  private runningCount = 0;

  constructor(private readonly places: number) {}

  get waiting(): number {
    return this.waitingCount;
  }

  get running(): number {
    return this.runningCount;
  }

  get isFull(): boolean {
    return this.waitingCount >= CAPACITY;
  }

  /** False if there is no room. */
  add(record: DueRecord): boolean {
    if (this.isFull) return false;
    const name = laneOf(record);
    let lane = this.lanes.get(name);
    if (!lane) this.lanes.set(name, (lane = { waiting: new Map(), running: 0 }));
    const key = record.recordKey.toString('hex');
    const known = lane.waiting.get(key);
    if (!known) this.waitingCount += 1;
    lane.waiting.set(key, known ? mergedDue(known, record) : record);
    return true;
  }

  /** Records wait beside free places, for enough of either that a claim is worth its price. */
  get holdsBack(): boolean {
    return this.runningCount < this.places && [...this.lanes.values()].some((lane) => this.hasRoom(lane));
  }

  /**
   * The records to begin with now: each has a place from here on, until `done()`.
   * @param eager for few as well
   */
  take(eager = false): DueRecord[] {
    const free = Math.min(this.places - this.runningCount, BATCH);
    const open = [...this.lanes].filter(([, lane]) => this.hasRoom(lane) && (eager || this.isWorthIt(lane)));
    const taken: DueRecord[] = [];
    while (taken.length < free && open.length > 0) {
      const [name, lane] = open.shift()!;
      const [key, record] = lane.waiting.entries().next().value!;
      lane.waiting.delete(key);
      lane.running += 1;
      taken.push(record);
      if (lane.waiting.size > 0 && lane.running < this.mostForOne()) open.push([name, lane]);
      // Served lanes go to the end of the line.
      this.lanes.delete(name);
      this.lanes.set(name, lane);
    }
    this.waitingCount -= taken.length;
    this.runningCount += taken.length;
    return taken;
  }

  /** A record's place is free again. */
  done(record: Pick<DueRecord, 'source' | 'connectionId'>): void {
    const name = laneOf(record);
    const lane = this.lanes.get(name)!;
    lane.running -= 1;
    this.runningCount -= 1;
    if (lane.running === 0 && lane.waiting.size === 0) this.lanes.delete(name);
  }

  /** Forgets what waits. */
  clear(): void {
    for (const lane of this.lanes.values()) lane.waiting.clear();
    this.waitingCount = 0;
  }

  private hasRoom({ waiting, running }: Lane): boolean {
    return waiting.size > 0 && running < this.mostForOne();
  }

  /** All that wait, or half of the lane's places: rather than one record at a time, as others end. */
  private isWorthIt({ waiting, running }: Lane): boolean {
    const most = this.mostForOne();
    return most - running >= Math.min(waiting.size, Math.ceil(most / 2));
  }

  /** Some places are kept free for a lane that comes; it has its share as soon as others' passes end. */
  private mostForOne(): number {
    const kept = Math.max(1, Math.ceil(this.places * KEPT_FREE));
    return Math.max(1, Math.floor((this.places - kept) / Math.max(1, this.lanes.size)));
  }
}

function laneOf({ source, connectionId }: Pick<DueRecord, 'source' | 'connectionId'>): string {
  return `${source} ${connectionId}`;
}
