import type { DataSource } from 'typeorm';
import { Slots } from '../slots.js';

/** A turn at writing, which only one has at a time. */
export interface WriteTurn {
  /** Where to write. */
  readonly source: DataSource;
  end(): void;
  /** Ends it, and closes the data source: the next turn gets a new one. */
  cut(): Promise<void>;
}

/** All who write to one file, in line: SQLite lets one at a time do so, and tells the others to come again. */
export class WriteTurns {
  private readonly line = new Slots(1);
  private source?: DataSource;

  /** @param connect makes the data source that turns share */
  constructor(private readonly connect: () => Promise<DataSource>) {}

  /** For a statement that has a connection of its own. */
  run<T>(work: () => Promise<T>): Promise<T> {
    return this.line.run(work);
  }

  /** Resolves when it is this one's turn. Whoever takes it must end or cut it. */
  take(): Promise<WriteTurn> {
    return new Promise((granted, failed) => {
      this.line
        .run(async () => {
          const source = (this.source ??= await this.connect());
          await new Promise<void>((end) => granted({ source, end, cut: () => this.cut(source, end) }));
        })
        .catch(failed);
    });
  }

  async close(): Promise<void> {
    const { source } = this;
    this.source = undefined;
    await source?.destroy();
  }

  private async cut(source: DataSource, end: () => void): Promise<void> {
    this.source = undefined;
    try {
      await source.destroy();
    } finally {
      end();
    }
  }
}
