import type { StripeObject } from './stripe-object.js';

/** How many earlier versions of an object are kept for stale reads. */
const KEPT_VERSIONS = 16;

/** Which state of the objects a reader sees; the newest without fields. */
export interface View {
  /** The state as it was then, in epoch milliseconds of the fake's clock. */
  readonly asOf?: number;
  /** The version before the newest; an object that has only one is not there yet. */
  readonly previous?: boolean;
}

interface Version {
  readonly at: number;
  /** `null`: deleted. */
  readonly data: StripeObject | null;
}

interface Entry {
  readonly id: string;
  created: number;
  readonly sequence: number;
  readonly firstAt: number;
  /** Oldest first. */
  versions: Version[];
}

/**
 * All objects of one kind in one account, ordered by `created` and then by arrival.
 *
 * Data that was put here is never changed in place, so whoever holds a version may keep it. A deleted object keeps its
 * place, so that stale lists can still show it.
 */
export class Shelf {
  private readonly entries: Entry[] = [];
  private readonly byId = new Map<string, Entry>();
  private arrivals = 0;

  /** How many objects there are or have been. */
  get length(): number {
    return this.entries.length;
  }

  /** `undefined`: never heard of; `null`: deleted. */
  read(id: string, view: View = {}): StripeObject | null | undefined {
    const entry = this.byId.get(id);
    return entry && seen(entry, view);
  }

  /** The object at a place in the order, oldest first. */
  at(index: number, view: View = {}): StripeObject | null | undefined {
    const entry = this.entries[index];
    return entry && seen(entry, view);
  }

  /** Stores a new version; `null` deletes. `at`: epoch milliseconds. */
  write(id: string, data: StripeObject | null, at: number): void {
    const created = Number(data?.created ?? Math.floor(at / 1000));
    let entry = this.byId.get(id);
    if (!entry) {
      entry = { id, created, sequence: this.arrivals++, firstAt: at, versions: [] };
      this.byId.set(id, entry);
      this.entries.splice(this.placeOf(entry), 0, entry);
    } else if (data && created !== entry.created) {
      this.entries.splice(this.placeOf(entry), 1);
      entry.created = created;
      this.entries.splice(this.placeOf(entry), 0, entry);
    }
    entry.versions.push({ at, data });
    if (entry.versions.length > KEPT_VERSIONS) entry.versions.shift();
  }

  /** Changes the newest version without making another: for what is no change of the object. */
  amend(id: string, data: StripeObject): void {
    const versions = this.byId.get(id)?.versions;
    const newest = versions?.pop();
    if (versions && newest) versions.push({ at: newest.at, data });
  }

  /** The place of an object in the order, oldest first; -1 for one that was never here. */
  indexOf(id: string): number {
    const entry = this.byId.get(id);
    return entry ? this.placeOf(entry) : -1;
  }

  /** The place of the first object created at `created` (seconds) or later. */
  firstSince(created: number): number {
    return this.search((entry) => entry.created >= created);
  }

  private placeOf(of: Entry): number {
    return this.search(
      (entry) =>
        entry.created > of.created || (entry.created === of.created && entry.sequence >= of.sequence),
    );
  }

  /** The first place where `reached` holds; it must hold for everything after it. */
  private search(reached: (entry: Entry) => boolean): number {
    let [low, high] = [0, this.entries.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (reached(this.entries[middle] as Entry)) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

function seen(entry: Entry, view: View): StripeObject | null | undefined {
  const { versions } = entry;
  if (view.previous) return versions.at(-2)?.data;
  const { asOf } = view;
  if (asOf === undefined) return versions.at(-1)?.data;
  if (entry.firstAt > asOf) return undefined;
  // Older than what is kept: the oldest that is kept is the nearest answer.
  return (versions.findLast((version) => version.at <= asOf) ?? versions[0])?.data;
}
