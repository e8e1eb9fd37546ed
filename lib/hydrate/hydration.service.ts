import { Inject, Injectable } from '@nestjs/common';
import type { RecordKey } from '../model/record.js';
import { ResolvedSyncOptions } from '../sync.options.js';
import { ProviderCallService, type FailedCall } from './provider-call.service.js';
import { RecordReads } from './record-reads.js';

export interface FoundRecord {
  readonly outcome: 'found';
  readonly data: object;
  readonly fingerprint: string;
  readonly revision: number;
}

/** What one read of a record has told. */
export type Hydration = FoundRecord | { readonly outcome: 'missing'; readonly stated: boolean } | FailedCall;

/** Reads records as they are now. */
@Injectable()
export class HydrationService {
  constructor(
    private readonly calls: ProviderCallService,
    private readonly reads: RecordReads,
    @Inject(ResolvedSyncOptions) private readonly options: ResolvedSyncOptions,
  ) {}

  /** Whether records of this resource can be read at all. */
  isFetchable({ source, resource }: Pick<RecordKey, 'source' | 'resource'>): boolean {
    return this.options.sources[source]?.connector.fetchable(resource) ?? false;
  }

  /** How many records of a kind are read by one call. */
  mostByOneCall(source: string): number {
    return this.reads.mostByOneCall(source);
  }

  /** One read, for which a token has been taken. Never throws. */
  async hydrate(record: RecordKey): Promise<Hydration> {
    const read = await this.reads.read(record);
    if (read.outcome === 'failed') return read;
    if (!read.answer.found) return { outcome: 'missing', stated: read.answer.stated };
    return this.found(record, read.answer.data);
  }

  /** A record's content, however it was read. */
  found({ source, resource }: Pick<RecordKey, 'source' | 'resource'>, data: object): FoundRecord {
    const { connector } = this.options.sources[source]!;
    const fingerprint = connector.fingerprint(resource, data);
    return { outcome: 'found', data, fingerprint, revision: connector.fingerprintRevision };
  }

  /** Since the last answer from that connection, to this process; Infinity: none yet. */
  lastSuccessAgoMs(record: RecordKey): number {
    return this.calls.lastSuccessAgoMs(record);
  }
}
