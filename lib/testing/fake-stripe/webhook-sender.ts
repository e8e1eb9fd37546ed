import { delayMs } from '../fake-provider/request-faults.js';
import type { Faults } from './faults.js';
import { CallLog } from '../fake-provider/call-log.js';
import type { Endpoints } from './endpoints.js';
import { HttpPoster } from '../fake-provider/http-poster.js';
import { JobQueue } from '../fake-provider/job-queue.js';
import type { Random } from '../fake-provider/random.js';
import { stripeSignature } from './signature.js';
import type { StripeEvent } from './stripe-object.js';

/** How long a held-back webhook waits for a later one to overtake it. */
const REORDER_MS = 50;

/** One attempt to deliver one webhook, or the decision not to. */
export interface DeliveryEntry {
  readonly eventId: string;
  readonly type: string;
  readonly account: string | null;
  /** `null` if there was no endpoint any more, or if it was dropped. */
  readonly url: string | null;
  /** From 1. A duplicate counts anew. */
  readonly attempt: number;
  readonly duplicate: boolean;
  /** `delivered` is any 2xx; `failed` anything else; `dropped` by `faults.dropRate`. */
  readonly outcome: 'delivered' | 'failed' | 'dropped';
  /** The HTTP status; `null` where there was no answer. */
  readonly status: number | null;
  /** Why there was no answer. */
  readonly error: string | null;
  /** When it ended, by the fake's clock. */
  readonly at: Date;
}

/** How webhooks are sent. */
export interface SendingOptions {
  readonly now: () => Date;
  readonly random: Random;
  readonly faults: Faults;
  readonly endpoints: Endpoints;
  /** Waits between attempts; their number is the number of retries. */
  readonly retryDelaysMs: readonly number[];
  readonly concurrency: number;
  readonly timeoutMs: number;
  /** Told when an endpoint has acknowledged an event. */
  readonly acknowledged: (event: StripeEvent) => void;
}

interface Job {
  readonly event: StripeEvent;
  readonly body: Buffer;
  readonly duplicate: boolean;
  attempt: number;
}

/**
 * Delivers webhooks in the background: any number of events, a few at a time, each attempt with a fresh time and signature.
 *
 * Promises no order, as Stripe does not; with `concurrency: 1` and no faults it is the order of the events.
 */
export class WebhookSender {
  readonly log = new CallLog<DeliveryEntry>();
  private readonly poster: HttpPoster;
  private readonly queue = new JobQueue<Job>();
  private readonly held = new Set<Job>();
  private readonly timers = new Set<NodeJS.Timeout>();
  private sending = 0;
  private pending = 0;
  private idle: (() => void)[] = [];
  private closed = false;

  constructor(private readonly options: SendingOptions) {
    this.poster = new HttpPoster(options.concurrency, options.timeoutMs);
  }

  /** Takes an event on its way. Returns at once; sends nothing before the caller has given up its turn. */
  send(event: StripeEvent, duplicate = false): void {
    if (this.closed) return;
    const { faults, random } = this.options;
    this.pending += 1;
    if (!duplicate && random.of(`drop ${event.id}`) < faults.dropRate) {
      this.note({ event, duplicate, attempt: 1 }, null, 'dropped', null, null);
      this.finish();
      return;
    }
    const job: Job = { event, duplicate, attempt: 1, body: Buffer.from(JSON.stringify(event), 'utf8') };
    this.after(delayMs(faults.delayMs, random.of(`delay ${event.id}`)), () => this.enter(job));
  }

  /** Resolves when nothing is on its way: not waiting, not delayed, not to be retried. */
  flush(): Promise<void> {
    if (this.pending === 0) return Promise.resolve();
    return new Promise((resolve) => this.idle.push(resolve));
  }

  /** Gives up all that is on its way. */
  close(): void {
    this.closed = true;
    this.timers.forEach((timer) => clearTimeout(timer));
    this.timers.clear();
    this.queue.clear();
    this.held.clear();
    this.poster.close();
    this.pending = 0;
    this.settleIdle();
  }

  private enter(job: Job): void {
    const { faults, random } = this.options;
    if (faults.reorder && job.attempt === 1 && random.of(`hold ${job.event.id}`) < 0.5) {
      this.held.add(job);
      this.after(REORDER_MS, () => this.letGo([job]));
      return;
    }
    this.queue.push(job);
    this.fill();
  }

  private letGo(jobs: Iterable<Job>): void {
    for (const job of jobs) {
      if (this.held.delete(job)) this.queue.push(job);
    }
    this.fill();
  }

  private fill(): void {
    while (this.sending < this.options.concurrency) {
      const job = this.queue.shift();
      if (!job) return;
      this.sending += 1;
      void this.attempt(job);
    }
  }

  private async attempt(job: Job): Promise<void> {
    const endpoint = this.options.endpoints.of(job.event.account ?? null);
    const result = endpoint
      ? await this.poster.post(endpoint.url, job.body, {
          'content-type': 'application/json; charset=utf-8',
          'user-agent': 'Stripe/1.0 (fake)',
          'stripe-signature': stripeSignature(job.body, endpoint.secrets, this.seconds()),
        })
      : { status: null, error: 'no endpoint' };
    if (this.closed) return;
    this.sending -= 1;
    const delivered = result.status !== null && result.status >= 200 && result.status < 300;
    this.note(job, endpoint?.url ?? null, delivered ? 'delivered' : 'failed', result.status, result.error);
    if (delivered) this.delivered(job);
    else this.failed(job, endpoint !== null);
    this.letGo(this.held);
  }

  private delivered(job: Job): void {
    const { faults, random, acknowledged } = this.options;
    acknowledged(job.event);
    const again = !job.duplicate && random.of(`duplicate ${job.event.id}`) < faults.duplicateRate;
    if (again) this.send(job.event, true);
    this.finish();
  }

  private failed(job: Job, mayRetry: boolean): void {
    const wait = this.options.retryDelaysMs[job.attempt - 1];
    if (!mayRetry || wait === undefined) {
      this.finish();
      return;
    }
    job.attempt += 1;
    this.after(wait, () => this.enter(job));
  }

  private note(
    job: Pick<Job, 'event' | 'duplicate' | 'attempt'>,
    url: string | null,
    outcome: DeliveryEntry['outcome'],
    status: number | null,
    error: string | null,
  ): void {
    const { id: eventId, type, account = null } = job.event;
    const { duplicate, attempt } = job;
    this.log.push({
      eventId,
      type,
      account,
      url,
      attempt,
      duplicate,
      outcome,
      status,
      error,
      at: this.options.now(),
    });
  }

  private after(ms: number, then: () => void): void {
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      then();
    }, ms);
    timer.unref();
    this.timers.add(timer);
  }

  private finish(): void {
    this.pending -= 1;
    if (this.pending === 0) this.settleIdle();
  }

  private settleIdle(): void {
    const waiting = this.idle;
    this.idle = [];
    waiting.forEach((resolve) => resolve());
  }

  private seconds(): number {
    return Math.floor(this.options.now().getTime() / 1000);
  }
}
