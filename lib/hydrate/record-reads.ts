import { Inject, Injectable } from '@nestjs/common';
import DataLoader from 'dataloader';
import type { Fetched } from '../model/connector.js';
import type { RecordKey } from '../model/record.js';
import { ProviderError } from '../sync.errors.js';
import { ResolvedSyncOptions } from '../sync.options.js';
import { ProviderCallService, type CallResult } from './provider-call.service.js';

/** As many as one call reads, where a connector says nothing else. */
const MOST_FETCHED = 200;

/** Passes that begin within so long of each other are read for together. */
const GATHER_MS = 5;

/** And those that begin while a call is under way, if it takes no longer than this. */
const LONGEST_GATHER_MS = 250;

type Read = CallResult<Fetched>;

/** Reads records by single calls, or many of a kind together where the connector can do that. */
@Injectable()
export class RecordReads {
  /** By source, connection and resource, while there is something to be read. */
  private readonly loaders = new Map<string, DataLoader<RecordKey, Read>>();
  /** The call that was begun last, by the same names. */
  private readonly underWay = new Map<string, Promise<void>>();

  constructor(
    private readonly calls: ProviderCallService,
    @Inject(ResolvedSyncOptions) private readonly options: ResolvedSyncOptions,
  ) {}

  /** How many records of a kind one call reads. */
  mostByOneCall(source: string): number {
    const { connector } = this.options.sources[source]!;
    return connector.fetchMany ? (connector.mostFetched ?? MOST_FETCHED) : 1;
  }

  /** Never throws. */
  read(record: RecordKey): Promise<Read> {
    const { connector } = this.options.sources[record.source]!;
    if (!connector.fetchMany)
      return this.calls.call(record, `${record.resource} ${record.id}`, (options) =>
        connector.fetch(record, options),
      );
    return this.loaderFor(record).load(record);
  }

  private loaderFor({ source, connectionId, resource }: RecordKey): DataLoader<RecordKey, Read> {
    const name = JSON.stringify([source, connectionId, resource]);
    const known = this.loaders.get(name);
    if (known) return known;
    const loader: DataLoader<RecordKey, Read> = new DataLoader(
      (records) => this.following(name, () => this.readMany(records)),
      {
        // Each pass needs what is there after it has begun, and nothing older.
        cache: false,
        maxBatchSize: this.mostByOneCall(source),
        batchScheduleFn: (gathered) => {
          const underWay = this.underWay.get(name);
          const wait = underWay ? Promise.race([underWay, after(LONGEST_GATHER_MS)]) : undefined;
          void Promise.all([after(GATHER_MS), wait]).then(() => {
            this.loaders.delete(name);
            gathered();
          });
        },
      },
    );
    this.loaders.set(name, loader);
    return loader;
  }

  /** Notes that it is under way. */
  private async following<T>(name: string, work: () => Promise<T>): Promise<T> {
    const done = work();
    const noted = done.then(() => undefined);
    this.underWay.set(name, noted);
    try {
      return await done;
    } finally {
      if (this.underWay.get(name) === noted) this.underWay.delete(name);
    }
  }

  private async readMany(records: readonly RecordKey[]): Promise<Read[]> {
    const [first] = records as [RecordKey];
    const { connector } = this.options.sources[first.source]!;
    const about = `${first.resource} ${first.id}`;
    const read = await this.calls.call(first, about, (options) => connector.fetchMany!(records, options));
    if (read.outcome === 'failed') return records.map(() => read);
    return records.map((_, i): Read => {
      const answer = read.answer[i];
      if (answer && !(answer instanceof Error)) return { outcome: 'answered', answer };
      const failure = answer instanceof ProviderError ? answer.failure : 'rejected';
      const message = answer?.message ?? 'the connector says nothing of it';
      return { outcome: 'failed', failure, message, pausedMs: 0 };
    });
  }
}

function after(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}
