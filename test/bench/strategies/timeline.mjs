/** What is to happen, by its time. */
export class Timeline {
  /** From `next` on in order; what is before has happened. */
  #entries;
  #next = 0;

  /** @param entries in order, each `{ at, run }` */
  constructor(entries) {
    this.#entries = entries;
  }

  get nextAt() {
    return this.#entries[this.#next]?.at ?? Infinity;
  }

  take() {
    return this.#entries[this.#next++];
  }

  add(entry) {
    let [low, high] = [this.#next, this.#entries.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#entries[middle].at <= entry.at) low = middle + 1;
      else high = middle;
    }
    this.#entries.splice(low, 0, entry);
  }
}
