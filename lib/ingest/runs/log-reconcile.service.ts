import { Inject, Injectable } from '@nestjs/common';
import type { Query } from '../../database/sync.database.js';
import { DAY_MS } from '../../inbox/event-retention.service.js';
import type { InboxRow } from '../../inbox/inbox-row.js';
import { InboxService } from '../../inbox/inbox.service.js';
import type { ConnectionKey } from '../../model/record.js';
import type { RunKind } from '../../model/run.js';
import { StartService } from '../../process/start.service.js';
import { START_LENIENCE_MS } from '../../process/standings.js';
import { SyncClock } from '../../sync.clock.js';
import { ResolvedSyncOptions } from '../../sync.options.js';
import { LogComparisonService } from '../poll/log-comparison.service.js';
import { LogReader } from '../poll/log.reader.js';
import { FindingService } from './finding.service.js';
import { logProgress, type Progress } from './run.progress.js';
import { RunHistoryService } from './run-history.service.js';
import type { HeldRun } from './run.js';

/** The log is read from so long before the last run that was good: an event may have come into it later than its time. */
const OVERLAP_MS = 300_000;

/** Compares a provider's log of changes, since this was last done, with the events that have come. */
@Injectable()
export class LogReconcileService {
  constructor(
    private readonly history: RunHistoryService,
    private readonly starts: StartService,
    private readonly comparisons: LogComparisonService,
    private readonly findings: FindingService,
    private readonly inbox: InboxService,
    private readonly clock: SyncClock,
    @Inject(ResolvedSyncOptions) private readonly options: ResolvedSyncOptions,
  ) {}

  /**
   * Since the last good run, or since events are handled at all; as far as the log reaches back, and events are kept.
   * @returns null if there is more before that, which nobody has compared with listings since
   */
  async window(
    connection: ConnectionKey,
    resources: readonly string[] | undefined,
  ): Promise<Progress | null> {
    const now = this.clock.now();
    const { changesReachMs = Infinity } = this.options.sources[connection.source]!.connector;
    // Of what happened before, the events may be gone that have come: they would be found missing.
    const begin = now - Math.min(changesReachMs, this.options.keepEventsDays * DAY_MS);
    const start = this.starts.startOf(connection.source)?.getTime() ?? begin;
    const read = await this.lastGood('reconcile-log', connection, resources);
    const listed = await this.lastGood('reconcile', connection, resources);
    if (Math.max(start, read, listed) < begin) return null;
    const from = Math.max(begin, start, read - OVERLAP_MS);
    return logProgress(Number.isFinite(from) ? from : null);
  }

  reader(run: HeldRun): LogReader {
    const { connector } = this.options.sources[run.source]!;
    const rowsOf = (events: Parameters<LogComparisonService['wantedRows']>[1]) =>
      this.comparisons.wantedRows(run.source, events, run.request.resources);
    return new LogReader(run, connector, this.clock, {
      store: (query, events) => this.store(run, query, rowsOf(events)),
      keepRefused: async (events) => {
        for (const row of rowsOf(events)) await this.inbox.accept([row]);
      },
    });
  }

  private async lastGood(
    kind: RunKind,
    connection: ConnectionKey,
    resources: readonly string[] | undefined,
  ): Promise<number> {
    const ago = await this.history.lastGoodAgoMs(kind, connection, resources);
    return ago === null ? -Infinity : this.clock.now() - ago;
  }

  private async store(run: HeldRun, query: Query, rows: readonly InboxRow[]): Promise<readonly InboxRow[]> {
    const different = await this.comparisons.differences(query, rows);
    const { graceMs } = this.options.sources[run.source]!.poll;
    // What has happened just now may still be on its way.
    const late = this.clock.now() - graceMs;
    const start = (this.starts.startOf(run.source)?.getTime() ?? -Infinity) - START_LENIENCE_MS;
    const lost = different.filter(({ dead, row }) => {
      const at = row.occurredAt?.getTime() ?? start;
      return dead || (at >= start && at < late);
    });
    await this.findings.noteCandidates(query, run.id, onePerRecord(lost));
    if (run.request.dryRun) return [];
    // What died was tried for days, and is not tried again before someone says so.
    return this.inbox.acceptWithin(
      query,
      different.filter(({ dead }) => !dead).map(({ row }) => row),
    );
  }
}

function onePerRecord<T extends { readonly recordKey: Buffer }>(differences: readonly T[]): T[] {
  return [...new Map(differences.map((each) => [each.recordKey.toString('hex'), each])).values()];
}
