import { Inject, Injectable } from '@nestjs/common';
import { ListingReader, type TakeListed } from '../listing/listing.reader.js';
import type { PageReader } from '../listing/page-reader.js';
import { ResolvedSyncOptions } from '../../sync.options.js';
import { RunWalker } from './run.walker.js';
import { RunEventsService } from './run-events.service.js';
import type { Progress } from './run.progress.js';
import { RunService } from './run.service.js';
import type { HeldRun } from './run.js';

/** How soon to look whether a run's last events are done. */
const LOOK_AGAIN_MS = 200;

/** The phases of every run: read what it is about page by page, and wait until what they gave is handled. */
@Injectable()
export class RunPhases {
  constructor(
    private readonly runs: RunService,
    private readonly walker: RunWalker,
    private readonly events: RunEventsService,
    @Inject(ResolvedSyncOptions) private readonly options: ResolvedSyncOptions,
  ) {}

  /** @returns how far it has come, once all is listed; null: it goes on later @throws RunLostError */
  list(run: HeldRun, take: TakeListed): Promise<Progress | null> {
    const { connector } = this.options.sources[run.source]!;
    return this.read(run, new ListingReader(run, connector, take));
  }

  /** @returns how far it has come, once all is read; null: it goes on later @throws RunLostError */
  async read<Page>(run: HeldRun, reader: PageReader<Page>): Promise<Progress | null> {
    const waitMs = await this.walker.walk(run, reader);
    if (waitMs === null) return (await this.runs.find(run.id))!.progress;
    await this.runs.putOff(run, waitMs);
    return null;
  }

  /** @returns how many of the run's events are dead, once none is under way; null: it goes on later */
  async settle(run: HeldRun): Promise<number | null> {
    const { underWay, dead } = await this.events.unfinished(run);
    if (underWay === 0) return dead;
    await this.runs.putOff(run, LOOK_AGAIN_MS);
    return null;
  }

  /** Both, for a run that has nothing more to do. */
  async carryOut(run: HeldRun, take: TakeListed): Promise<void> {
    const progress = await this.list(run, take);
    const dead = progress && (await this.settle(run));
    if (progress === null || dead === null) return;
    const failed = Object.values(progress).some(({ state }) => state === 'failed');
    await this.runs.finish(run, failed || dead > 0 ? 'failed' : 'completed');
  }
}
