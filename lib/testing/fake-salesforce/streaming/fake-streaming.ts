import { notFound } from '../api-error.js';
import type { RecordStore } from '../record-store.js';
import type { SalesforceFields } from '../stored-record.js';
import type { ChangeEvents } from './change-events.js';
import type { Cometd } from './cometd.js';
import type { EventBus } from './event-bus.js';
import { publishEvent } from './platform-events.js';

/**
 * What a `FakeSalesforce` tells those who subscribe: platform events, and the changes of every object (Change Data Capture, which
 * is on for all of them).
 */
export class FakeStreaming {
  constructor(
    private readonly store: RecordStore,
    private readonly bus: EventBus,
    private readonly changes: ChangeEvents,
    private readonly cometd: Cometd,
  ) {}

  /**
   * Publishes a platform event: `publish('Order_Placed__e', { Number__c: 'A-1' })`. Define the object before.
   * @throws SalesforceApiError for fields that it does not have
   */
  publish(event: string, fields: SalesforceFields): void {
    publishEvent(this.store, this.bus, this.store.schema.object(event), fields);
  }

  /** Tells of changes as Salesforce does when it cannot say what has changed (`GAP_UPDATE`). @throws SalesforceApiError 404 */
  publishGap(ids: readonly string[], kind: 'CREATE' | 'UPDATE' | 'DELETE' | 'UNDELETE' = 'UPDATE'): void {
    const object = this.store.find(ids[0] ?? '')?.object;
    if (!object) throw notFound();
    this.changes.gap(object.name, ids, kind, this.store.now().getTime());
  }

  /** Tells that more of an object has changed than can be told (`GAP_OVERFLOW`). */
  publishOverflow(object: string): void {
    this.changes.overflow(this.store.schema.object(object).name, this.store.now().getTime());
  }

  /** Forgets what could be replayed: as after 72 hours, or a migration of the org. */
  forgetEvents(): void {
    this.bus.forgetAll();
  }

  /** Those who subscribe have to begin again, as when they were away for 40 seconds. */
  forgetSubscribers(): void {
    this.cometd.forgetClients();
  }

  /** How many are subscribed to a channel: `/data/AccountChangeEvent`. Who went without a word counts until forgotten. */
  subscribers(channel: string): number {
    return this.cometd.subscribers(channel);
  }

  /** Resolves as soon as someone is subscribed to something, and waits for it. */
  subscribed(): Promise<void> {
    return this.cometd.subscribed();
  }

  /** @internal */
  idle(): Promise<void> {
    return this.cometd.idle();
  }

  /** @internal */
  wakeAll(): void {
    this.cometd.wakeAll();
  }

  /** @internal */
  close(): void {
    this.cometd.close();
  }
}
