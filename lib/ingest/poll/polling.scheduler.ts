import { Inject, Injectable } from '@nestjs/common';
import { Slots } from '../../database/slots.js';
import { RecurringWork } from '../../dispatch/recurring-work.js';
import { SyncSchedulerRegistry } from '../../dispatch/sync.scheduler-registry.js';
import { isPolled } from '../../model/mode.js';
import type { ConnectionKey } from '../../model/record.js';
import { SyncClock } from '../../sync.clock.js';
import { ResolvedSyncOptions } from '../../sync.options.js';
import { CursorService } from './cursor.service.js';
import { DeliveryTimesService } from './delivery-times.service.js';
import { PollService, type PollResult } from './poll.service.js';

/** Walks that this process has under way at once. */
const MOST_WALKS = 8;

/** Looks for connections that are due to be polled. When that is stands in the database, so all processes poll as one. */
@Injectable()
export class PollingScheduler {
  private readonly slots = new Slots(MOST_WALKS);
  private readonly ticks: RecurringWork;
  private walks = false;

  constructor(
    registry: SyncSchedulerRegistry,
    private readonly polls: PollService,
    private readonly cursors: CursorService,
    private readonly deliveries: DeliveryTimesService,
    clock: SyncClock,
    @Inject(ResolvedSyncOptions) private readonly options: ResolvedSyncOptions,
  ) {
    this.ticks = new RecurringWork('poll', registry, clock, () => this.work());
  }

  /** @param walks whether this process polls; if not, it only notes that deliveries come */
  async start(walks: boolean): Promise<void> {
    this.walks = walks;
    if (this.polled().length === 0) return;
    if (walks) await this.cursors.ensure('log', this.polled());
    this.ticks.start(this.options.sweepEveryMs);
  }

  async stop(drainMs: number): Promise<void> {
    this.polls.stopping = true;
    await this.ticks.stop(drainMs);
  }

  /** Walks over a source's connections now. @throws RangeError if that is none that is polled */
  async pollNow({ source, connectionId }: { source: string; connectionId?: string }): Promise<PollResult[]> {
    const ofSource = this.polled().filter((connection) => connection.source === source);
    const wanted = ofSource.filter(
      (each) => connectionId === undefined || each.connectionId === connectionId,
    );
    if (wanted.length === 0) {
      const known = ofSource.map((each) => `'${each.connectionId}'`).join(', ');
      throw new RangeError(
        known
          ? `'${source}' has no connection '${connectionId}' whose log can be read; there is: ${known}`
          : `'${source}' is not polled: its mode is 'webhook', or its connector has no log of changes`,
      );
    }
    await this.cursors.ensure('log', wanted);
    const walks = wanted.map((connection) => this.slots.run(() => this.polls.poll(connection, true)));
    const results = Promise.all(walks);
    void this.ticks.follow(results);
    return (await results).filter((result) => result !== null);
  }

  /** Connections that are to be polled. */
  private polled(): ConnectionKey[] {
    return Object.entries(this.options.sources).flatMap(([source, { connector, mode }]) => {
      if (!connector.changes || !isPolled(mode)) return [];
      return (connector.pollable ?? []).map((connectionId) => ({ source, connectionId }));
    });
  }

  private async work(): Promise<void> {
    await this.deliveries.write();
    if (!this.walks) return;
    const ours = new Set(this.polled().map(nameOf));
    for (const connection of await this.cursors.due('log')) {
      if (!ours.has(nameOf(connection))) continue;
      // None waits for another: a provider that takes its time has the walk's lease until it answers.
      void this.ticks.follow(this.slots.run(() => this.polls.poll(connection)));
    }
  }
}

function nameOf({ source, connectionId }: ConnectionKey): string {
  return `${source} ${connectionId}`;
}
