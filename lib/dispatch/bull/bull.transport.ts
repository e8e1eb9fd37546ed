import type { Job, Queue } from 'bull';
import { JOB_NAME, JOB_OPTIONS } from '../queue/due-job.js';
import { QueueTransport } from '../queue/queue-transport.js';

/** So long a queue may take to open its connections. */
const SET_UP_MS = 1_000;
const LOOK_EVERY_MS = 10;

/** How soon a Redis is asked again that is away, or refuses us. */
const TRY_AGAIN_MS = 500;

/** Through Bull 4. */
export class BullTransport extends QueueTransport {
  readonly keyPrefix: string;
  private isBegun = false;
  private isOver = false;

  constructor(private readonly queue: Queue) {
    super();
    this.keyPrefix = queue.toKey('budget');
  }

  get redis() {
    return this.queue.client;
  }

  onError(listener: (error: Error) => void): void {
    this.queue.on('error', listener);
  }

  async send(job: object): Promise<void> {
    await this.queue.add(JOB_NAME, job, JOB_OPTIONS);
  }

  receive(take: (job: unknown) => void): void {
    void this.begin(take);
  }

  protected async stopReceiving(): Promise<void> {
    this.isOver = true;
    // One that is ended while it sets itself up goes on to open connections, which nobody would close.
    for (let waitedMs = 0; this.isBegun && !this.isSetUp() && waitedMs < SET_UP_MS; waitedMs += LOOK_EVERY_MS)
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    if (this.isBegun) await this.queue.pause(true, true);
  }

  protected async close(): Promise<void> {
    await this.queue.close(true);
  }

  protected cut(): void {
    for (const client of this.queue.clients) client.disconnect();
  }

  /** Once Redis answers: where it refuses us, Bull would end the process by a rejection that nobody handles. */
  private async begin(take: (job: unknown) => void): Promise<void> {
    while (!this.isOver && !(await this.isAnswered()))
      await new Promise((resolve) => setTimeout(resolve, TRY_AGAIN_MS).unref());
    if (this.isOver) return;
    this.isBegun = true;
    this.queue
      .process(JOB_NAME, async ({ data }: Job<unknown>) => take(data))
      .catch((error: unknown) => void this.queue.emit('error', error));
  }

  private async isAnswered(): Promise<boolean> {
    const { client } = this.queue;
    // Its offline queue would keep the question until it is closed.
    if (client.status !== 'ready') return false;
    try {
      await client.ping();
      return true;
    } catch (error) {
      this.queue.emit('error', error);
      return false;
    }
  }

  /** It has one for commands, one for what others tell, and one to wait for jobs with. */
  private isSetUp(): boolean {
    const { clients } = this.queue;
    return clients.length >= 3 && clients.every(({ status }) => status === 'ready');
  }
}
