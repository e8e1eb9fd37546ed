import { CallLog } from '../fake-provider/call-log.js';
import { HttpPoster } from '../fake-provider/http-poster.js';
import type { Random } from '../fake-provider/random.js';
import type { SalesforceFaults } from './faults.js';
import { isAcknowledged, messageOf, type Notification } from './outbound-message.js';
import type { CommittedChange, RecordStore } from './record-store.js';

/** One attempt to deliver a message. */
export interface OutboundDelivery {
  readonly url: string;
  /** The ids of its notifications. */
  readonly notifications: readonly string[];
  readonly status: number | null;
  readonly outcome: 'acknowledged' | 'failed' | 'dropped';
}

/** What tells of the changes of an object: a flow with an outbound message. */
interface Subscription {
  readonly object: string;
  readonly url: string;
  readonly fields: readonly string[];
}

const MOST_NOTIFICATIONS = 100;

/** Salesforce's gaps grow to two hours. */
const RETRY_DELAYS_MS = [50, 200, 1_000];

const TIMEOUT_MS = 10_000;

/** Sends outbound messages: what has been committed, up to a hundred together, until it is acknowledged. */
export class OutboundSender {
  readonly deliveries = new CallLog<OutboundDelivery>();
  private subscriptions: Subscription[] = [];
  private readonly poster = new HttpPoster(8, TIMEOUT_MS);
  private readonly waiting = new Map<Subscription, Notification[]>();
  private readonly underWay = new Set<Promise<void>>();
  private readonly closing = new AbortController();

  constructor(
    private readonly store: RecordStore,
    private readonly faults: SalesforceFaults,
    private readonly random: Random,
    private readonly orgId: string,
    private readonly urlOf: () => string,
  ) {
    store.onCommit((changes) => this.note(changes));
  }

  subscribe(object: string, url: string, fields: readonly string[]): void {
    this.subscriptions.push({ object, url, fields });
  }

  /** Of all objects. What is under way goes on. */
  unsubscribe(): void {
    this.subscriptions = [];
  }

  async flush(): Promise<void> {
    while (this.underWay.size > 0) await Promise.all(this.underWay);
  }

  close(): void {
    this.closing.abort();
    this.poster.close();
  }

  private note(changes: readonly CommittedChange[]): void {
    for (const { kind, record } of changes) {
      if (kind === 'DELETE') continue;
      for (const subscription of this.subscriptions.filter(({ object }) => object === record.object.name)) {
        const waiting = this.waiting.get(subscription);
        const notification = { id: this.store.nextId('04l'), record, fields: subscription.fields };
        if (waiting) waiting.push(notification);
        else {
          this.waiting.set(subscription, [notification]);
          this.follow(this.sendAll(subscription));
        }
      }
    }
  }

  /** What is committed by the same turn of the event loop goes together. */
  private async sendAll(subscription: Subscription): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    const all = this.waiting.get(subscription)!;
    this.waiting.delete(subscription);
    for (let from = 0; from < all.length; from += MOST_NOTIFICATIONS)
      this.follow(this.send(subscription, all.slice(from, from + MOST_NOTIFICATIONS)));
  }

  private async send({ url }: Subscription, given: readonly Notification[]): Promise<void> {
    const isLost = ({ id }: Notification) => this.random.of(`drop ${id}`) < this.faults.dropRate;
    const dropped = given.filter(isLost);
    const notifications = given.filter((notification) => !isLost(notification));
    if (dropped.length > 0) this.log(url, dropped, null, 'dropped');
    if (notifications.length === 0) return;
    for (const delayMs of [0, ...RETRY_DELAYS_MS]) {
      if (delayMs > 0) await this.pause(delayMs);
      if (this.closing.signal.aborted) return;
      if (await this.post(url, notifications)) break;
    }
    if (this.random.of(`again ${given[0]!.id}`) < this.faults.duplicateRate)
      await this.post(url, notifications);
  }

  private async post(url: string, notifications: readonly Notification[]): Promise<boolean> {
    const body = Buffer.from(messageOf(this.orgId, this.urlOf(), notifications));
    const { status, text } = await this.poster.post(url, body, {
      'content-type': 'text/xml; charset=utf-8',
      soapaction: '""',
    });
    const isOver = isAcknowledged(status, text);
    this.log(url, notifications, status, isOver ? 'acknowledged' : 'failed');
    return isOver;
  }

  private log(
    url: string,
    notifications: readonly Notification[],
    status: number | null,
    outcome: OutboundDelivery['outcome'],
  ): void {
    this.deliveries.push({ url, notifications: notifications.map(({ id }) => id), status, outcome });
  }

  private pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.closing.signal.addEventListener('abort', () => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  private follow(work: Promise<void>): void {
    const followed: Promise<void> = work.finally(() => this.underWay.delete(followed));
    this.underWay.add(followed);
  }
}
