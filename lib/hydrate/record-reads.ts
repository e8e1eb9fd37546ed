import { Inject, Injectable } from '@nestjs/common';
import type { Fetched } from '../model/connector.js';
import type { RecordKey } from '../model/record.js';
import { ProviderError } from '../sync.errors.js';
import { ResolvedSyncOptions } from '../sync.options.js';
import { Batches } from './batches.js';
import { PassTraffic } from './pass-traffic.js';
import { ProviderCallService, type CallResult } from './provider-call.service.js';

/** As many as one call reads, where a connector says nothing else. */
const MOST_FETCHED = 200;

type Read = CallResult<Fetched>;

/** Reads records by single calls, or many of a kind together where the connector can do that. */
@Injectable()
export class RecordReads {
  /** By source, connection and resource. */
  private readonly batches = new Map<string, Batches<RecordKey, Read>>();

  constructor(
    private readonly calls: ProviderCallService,
    private readonly traffic: PassTraffic,
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
    if (connector.fetchMany) return this.batchesFor(record).add(record);
    return this.calls.call(record, `${record.resource} ${record.id}`, (options) =>
      connector.fetch(record, options),
    );
  }

  private batchesFor({ source, connectionId, resource }: RecordKey): Batches<RecordKey, Read> {
    const name = JSON.stringify([source, connectionId, resource]);
    let batches = this.batches.get(name);
    if (!batches)
      this.batches.set(
        name,
        (batches = new Batches(this.mostByOneCall(source), this.traffic, (records) =>
          this.readMany(records),
        )),
      );
    return batches;
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
