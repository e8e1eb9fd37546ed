import type { Queue, Worker } from 'bullmq';
import type { RedisClient } from '../../hydrate/redis.budget-store.js';
import { JOB_NAME, JOB_OPTIONS } from '../queue/due-job.js';
import { QueueTransport } from '../queue/queue-transport.js';

export type BullMqPackage = Pick<typeof import('bullmq'), 'Worker'>;

/** Through BullMQ. */
export class BullMqTransport extends QueueTransport {
  readonly keyPrefix: string;
  redis: RedisClient | null = null;
  private worker?: Worker;
  private readonly errorListeners: ((error: Error) => void)[] = [];

  constructor(
    private readonly queue: Queue,
    private readonly library: BullMqPackage,
  ) {
    super();
    this.keyPrefix = queue.toKey('budget');
    const failed = (error: Error) => this.failed(error);
    queue.on('error', failed);
    clientOf(queue).then((client) => (this.redis = client), failed);
  }

  onError(listener: (error: Error) => void): void {
    this.errorListeners.push(listener);
  }

  async send(job: object): Promise<void> {
    await this.queue.add(JOB_NAME, job, JOB_OPTIONS);
  }

  receive(take: (job: unknown) => void): void {
    const { connection, prefix } = this.queue.opts;
    this.worker = new this.library.Worker(this.queue.name, async ({ data }) => take(data), {
      connection,
      prefix,
    });
    this.worker.on('error', (error) => this.failed(error));
  }

  protected async stopReceiving(): Promise<void> {
    await this.worker?.close(true);
  }

  protected async close(): Promise<void> {
    await this.stopReceiving();
    await this.queue.close();
  }

  protected cut(): void {
    for (const each of [this.queue, this.worker]) each?.disconnect().catch(() => undefined);
  }

  private failed(error: Error): void {
    for (const listener of this.errorListeners) listener(error);
  }
}

/** Which is the queue's in BullMQ 5, and its backend's in BullMQ 6. */
function clientOf(queue: object): Promise<RedisClient> {
  type HasClient = { readonly client: Promise<RedisClient> };
  return 'getBackend' in queue
    ? (queue as { getBackend(): HasClient }).getBackend().client
    : (queue as HasClient).client;
}
