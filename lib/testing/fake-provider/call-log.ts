/** Which entries: every field given must be equal, or match where it is a RegExp; or a function that decides. */
export type LogMatch<T> = { [Field in keyof T]?: T[Field] | RegExp } | ((entry: T) => boolean);

interface Waiter<T> {
  match: LogMatch<T>;
  times: number;
  seen: Set<T>;
  done: () => void;
}

/** What has happened, oldest first. Grows until `clear()`. Entries are live: a request's `status` comes with its answer. */
export class CallLog<T extends object> implements Iterable<T> {
  private entries: T[] = [];
  private waiters: Waiter<T>[] = [];

  /** How many entries there are. */
  get length(): number {
    return this.entries.length;
  }

  /** The entries that match, in order; all without a match. */
  all(match?: LogMatch<T>): T[] {
    return match ? this.entries.filter((entry) => matches(entry, match)) : [...this.entries];
  }

  /** How many entries match: `requests.count({ method: 'GET', path: /^\/v1\/invoices/ })`. */
  count(match?: LogMatch<T>): number {
    return match ? this.all(match).length : this.entries.length;
  }

  /** The newest entry that matches, if there is one. */
  last(match?: LogMatch<T>): T | undefined {
    return this.all(match).at(-1);
  }

  /** Forgets all entries. */
  clear(): void {
    this.entries = [];
  }

  /**
   * Resolves as soon as at least `times` entries match; what is there already counts.
   *
   * @param timeoutMs how long to wait, in milliseconds of the system's clock.
   * @throws Error if they have not come by then.
   */
  until(match: LogMatch<T>, times = 1, timeoutMs = 5_000): Promise<void> {
    const seen = new Set(this.all(match));
    if (seen.size >= times) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const waiter: Waiter<T> = { match, times, seen, done: () => settle(resolve) };
      const settle = (outcome: () => void): void => {
        clearTimeout(timer);
        this.waiters = this.waiters.filter((other) => other !== waiter);
        outcome();
      };
      const late = (): void =>
        reject(new Error(`Waited ${timeoutMs} ms for ${times} entries, got ${seen.size}.`));
      const timer = setTimeout(() => settle(late), timeoutMs);
      timer.unref();
      this.waiters.push(waiter);
    });
  }

  /** @internal */
  push(entry: T): void {
    this.entries.push(entry);
    this.touch(entry);
  }

  /** Tells those who wait that this entry has changed. @internal */
  touch(entry: T): void {
    for (const waiter of this.waiters) {
      if (matches(entry, waiter.match)) waiter.seen.add(entry);
      if (waiter.seen.size >= waiter.times) waiter.done();
    }
  }

  [Symbol.iterator](): Iterator<T> {
    return this.entries[Symbol.iterator]();
  }
}

/** Whether an entry is one of those meant. */
export function matches<T extends object>(entry: T, match: LogMatch<T>): boolean {
  if (typeof match === 'function') return match(entry);
  return Object.entries(match).every(([field, wanted]) => {
    const value: unknown = entry[field as keyof T];
    return wanted instanceof RegExp ? wanted.test(String(value)) : wanted === undefined || value === wanted;
  });
}
