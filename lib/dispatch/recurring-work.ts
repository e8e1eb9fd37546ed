import { Logger } from '@nestjs/common';
import type { SyncClock } from '../sync.clock.js';
import type { SyncSchedulerRegistry } from './sync.scheduler-registry.js';
import { UnderWay } from './under-way.js';
import { messageOf } from '../model/message-of.js';

/** A timer wraps around beyond it. */
const LONGEST_MS = 2 ** 31 - 1;

/** Work that is begun every so often, never twice at once, and waited for at the application's end. */
export class RecurringWork {
  private readonly logger = new Logger('Sync');
  private readonly underWay = new UnderWay();
  private beginning = false;

  /**
   * @param name of its interval
   * @param work what fails is logged, and tried again the next time
   */
  constructor(
    private readonly name: string,
    private readonly registry: SyncSchedulerRegistry,
    private readonly clock: SyncClock,
    private readonly work: () => Promise<unknown>,
  ) {}

  /** With jitter, so that processes which boot together do not work together. */
  start(everyMs: number): void {
    const jitteredMs = Math.min(everyMs * (0.9 + this.clock.random() / 5), LONGEST_MS);
    this.registry.addInterval(
      this.name,
      setInterval(() => void this.begin(), jitteredMs),
    );
  }

  /** Begins nothing more, and resolves when what is under way has come to an end, after `drainMs` at the latest. */
  async stop(drainMs: number): Promise<void> {
    if (this.registry.doesExist('interval', this.name)) this.registry.deleteInterval(this.name);
    await this.underWay.endsWithin(drainMs);
  }

  /** Now, unless it is at it. */
  async begin(): Promise<void> {
    if (this.beginning) return;
    this.beginning = true;
    await this.follow(this.work().finally(() => (this.beginning = false)));
  }

  /** More that it has begun. */
  follow(work: Promise<unknown>): Promise<void> {
    const failed = (error: unknown) => this.logger.error(`${this.name} failed: ${messageOf(error)}`);
    return this.underWay.follow(work.then(() => undefined, failed));
  }
}
