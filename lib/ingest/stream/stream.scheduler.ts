import { Inject, Injectable } from '@nestjs/common';
import { RecurringWork } from '../../dispatch/recurring-work.js';
import { SyncSchedulerRegistry } from '../../dispatch/sync.scheduler-registry.js';
import type { ConnectionKey } from '../../model/record.js';
import { SyncClock } from '../../sync.clock.js';
import { ResolvedSyncOptions } from '../../sync.options.js';
import { CursorService } from '../poll/cursor.service.js';
import { StreamService } from './stream.service.js';

/** Looks for streams that nobody takes. One process of all takes one, and another when that ends. */
@Injectable()
export class StreamScheduler {
  private readonly ticks: RecurringWork;
  private readonly ending = new AbortController();

  constructor(
    registry: SyncSchedulerRegistry,
    private readonly streams: StreamService,
    private readonly cursors: CursorService,
    clock: SyncClock,
    @Inject(ResolvedSyncOptions) private readonly options: ResolvedSyncOptions,
  ) {
    this.ticks = new RecurringWork('stream', registry, clock, () => this.work());
  }

  async start(): Promise<void> {
    const streamed = this.streamed();
    if (streamed.length === 0) return;
    await this.cursors.ensure('stream', streamed);
    this.ticks.start(this.options.sweepEveryMs);
    void this.ticks.begin();
  }

  /** Closes the streams. What has come of them is stored, or will come again. */
  async stop(drainMs: number): Promise<void> {
    this.ending.abort();
    await this.ticks.stop(drainMs);
  }

  private streamed(): ConnectionKey[] {
    return Object.entries(this.options.sources).flatMap(([source, { connector }]) => {
      if (!connector.stream) return [];
      return (connector.streamed ?? []).map((connectionId) => ({ source, connectionId }));
    });
  }

  private async work(): Promise<void> {
    if (this.ending.signal.aborted) return;
    const due = await this.cursors.due('stream');
    for (const connection of this.streamed()) {
      const isDue = due.some((each) => isSame(each, connection));
      if (isDue) void this.ticks.follow(this.streams.receive(connection, this.ending.signal));
    }
  }
}

function isSame(one: ConnectionKey, other: ConnectionKey): boolean {
  return one.source === other.source && one.connectionId === other.connectionId;
}
