import { AsyncLocalStorage } from 'node:async_hooks';
import { Logger } from '@nestjs/common';
import { withinLimit } from '../../database/time-limit.js';
import { Dispatcher, mergedDue, type DueRecord } from '../dispatcher.js';
import { jobOf, recordsIn } from './due-job.js';
import type { QueueTransport } from './queue-transport.js';
import { messageOf } from '../../model/message-of.js';

/** Records that one job names: what comes while a job is being sent shares the next one. */
const BATCH = 100;

/** Records that wait to be sent; more are left to the sweep. */
const CAPACITY = 10_000;

/** A queue that has not taken a job by then does not work now. */
const SENT_WITHIN_MS = 1_000;

/**
 * Rings for all processes: each record's key goes to one of those that run passes. Redis holds nothing that matters.
 * While it is away each process looks after what it has stored itself, and what nobody was told of the sweeps find.
 */
export class QueueDispatcher extends Dispatcher {
  private readonly logger = new Logger('Sync');
  /** Nothing of the request that announced a record. */
  private readonly detached = AsyncLocalStorage.snapshot();
  private readonly unsent = new Map<string, DueRecord>();
  private sending = false;
  /** A job has been with Redis for too long. */
  private stalled = false;
  private isAway = false;

  /** @param local runs the passes of this process, or none */
  constructor(
    private readonly local: Dispatcher,
    private readonly transport: QueueTransport,
    private readonly receives: boolean,
  ) {
    super();
    transport.onError((error) => this.away(error));
  }

  dispatch(records: readonly DueRecord[]): void {
    if (this.stalled || this.transport.redis?.status !== 'ready') return this.local.dispatch(records);
    for (const record of records) {
      const key = record.recordKey.toString('hex');
      const known = this.unsent.get(key);
      if (known || this.unsent.size < CAPACITY)
        this.unsent.set(key, known ? mergedDue(known, record) : record);
    }
    if (!this.sending) void this.detached(() => this.sendAll());
  }

  sweep(): Promise<void> {
    return this.local.sweep();
  }

  idle(): Promise<void> {
    return this.local.idle();
  }

  start(): void {
    this.local.start();
    if (this.receives) this.transport.receive((job) => this.take(job));
  }

  async stop(drainMs: number): Promise<void> {
    // Its connections stay until the application has closed its HTTP server, and the queue after that: passes share the budget to
    // their end, and deliveries that still come are told to others.
    const silent = this.transport.silence().catch((error: unknown) => this.away(error));
    await Promise.all([silent, this.local.stop(drainMs)]);
  }

  private async sendAll(): Promise<void> {
    this.sending = true;
    while (this.unsent.size > 0) {
      const batch = this.nextBatch();
      try {
        await this.send(batch);
        this.back();
      } catch (error) {
        this.away(error);
        this.local.dispatch(batch);
      }
    }
    this.sending = false;
  }

  private nextBatch(): DueRecord[] {
    const batch = [...this.unsent].slice(0, BATCH);
    for (const [key] of batch) this.unsent.delete(key);
    return batch.map(([, record]) => record);
  }

  /** One job at a time is with Redis, however long that takes: what it never answers fills no memory. */
  private async send(batch: readonly DueRecord[]): Promise<void> {
    const sent = this.transport.send(jobOf(batch));
    const over = () => (this.stalled = false);
    try {
      await withinLimit(SENT_WITHIN_MS, sent, async () => undefined);
    } catch (error) {
      this.stalled = true;
      sent.then(over, over);
      throw error;
    }
  }

  private take(job: unknown): void {
    try {
      this.local.dispatch(recordsIn(job));
    } catch (error) {
      this.logger.warn(`a job in the queue is ignored: ${messageOf(error)}`);
    }
  }

  private away(error: unknown): void {
    if (this.isAway || this.transport.isClosed) return;
    this.isAway = true;
    this.logger.error(
      `the queue does not work, and each process goes by itself meanwhile: ${messageOf(error)}`,
    );
  }

  private back(): void {
    if (this.isAway) this.logger.log('the queue works again');
    this.isAway = false;
  }
}
