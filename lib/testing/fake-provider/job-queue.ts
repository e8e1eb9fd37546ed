/** First in, first out. `Array.shift` moves the whole array, which tells with tens of thousands of events waiting. */
export class JobQueue<T> {
  private items: T[] = [];
  private head = 0;

  push(item: T): void {
    this.items.push(item);
  }

  shift(): T | undefined {
    const item = this.items[this.head];
    if (item === undefined) {
      this.clear();
      return undefined;
    }
    this.head += 1;
    if (this.head > 1_000) {
      this.items = this.items.slice(this.head);
      this.head = 0;
    }
    return item;
  }

  clear(): void {
    this.items = [];
    this.head = 0;
  }
}
