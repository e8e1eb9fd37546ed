import { Inject, Injectable, Logger } from '@nestjs/common';
import type { ConnectionKey } from '../model/record.js';
import { SyncClock } from '../sync.clock.js';
import { ResolvedSyncOptions } from '../sync.options.js';
import type { CallClass } from './token-bucket.js';

/** What a provider said of its daily calls holds for so long: then one call finds out how it is. */
const USAGE_HOLDS_MS = 600_000;

/** Leaves the rest of a provider's calls of the day to what happens now. */
@Injectable()
export class DailyCalls {
  private readonly logger = new Logger('Sync');
  /** Connections of which some class of calls is held back. */
  private readonly scarce = new Set<string>();

  constructor(
    private readonly clock: SyncClock,
    @Inject(ResolvedSyncOptions) private readonly options: ResolvedSyncOptions,
  ) {}

  /** What happens now is never held back: the provider itself says when it is enough. */
  runShort({ source, connectionId }: ConnectionKey, forWhat: CallClass): boolean {
    if (forWhat === 'live') return false;
    const { connector, dailyShare } = this.options.sources[source]!;
    const usage = connector.usage?.(connectionId);
    if (!usage || this.clock.now() - usage.at.getTime() > USAGE_HOLDS_MS) return false;
    const share = forWhat === 'reconcile' ? (1 + dailyShare) / 2 : dailyShare;
    const areShort = usage.used >= usage.limit * share;
    this.tell(`${source}/${connectionId}: ${forWhat}`, areShort, `${usage.used} of ${usage.limit}`);
    return areShort;
  }

  private tell(what: string, areShort: boolean, usage: string): void {
    if (areShort === this.scarce.has(what)) return;
    if (areShort) this.scarce.add(what);
    else this.scarce.delete(what);
    this.logger.warn(`${what} ${areShort ? 'waits' : 'goes on'}: ${usage} API calls of the day are used`);
  }
}
