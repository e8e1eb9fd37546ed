import { Injectable } from '@nestjs/common';
import { OnSyncEvent, SyncContext, SyncEvent, SyncEventEntity } from 'nestjs-hybrid-sync';
import { FakeStripe, type ApiRequestEntry } from 'nestjs-hybrid-sync/testing';
import { stripeEvent } from 'nestjs-hybrid-sync/testing/stripe';
import Stripe from 'stripe';
import { startHost, until, type Host } from '../support/host.js';
import { effects, firstWalk, quick, settled, travel, write } from '../support/scenario.js';

@Injectable()
class Book {
  @OnSyncEvent('stripe', 'customer.*', { hydrate: false })
  async write(event: SyncEvent, { manager }: SyncContext) {
    await write(manager, 'booked', event.id);
  }
}

/** As it is often written: what was created after the newest that was seen, page by page. */
class NaivePoller {
  private newest = 0;
  readonly seen = new Set<string>();
  private readonly stripe: Stripe;

  constructor(fake: FakeStripe) {
    this.stripe = new Stripe(fake.apiKey, { ...fake.connection, maxNetworkRetries: 0, telemetry: false });
  }

  async poll(): Promise<void> {
    const events = await this.stripe.events
      .list({ created: { gt: this.newest }, limit: 100 })
      .autoPagingToArray({ limit: 10_000 });
    for (const { id, created } of events) {
      this.seen.add(id);
      this.newest = Math.max(this.newest, created);
    }
  }
}

describe('nothing stays lost: the cursor never skips', () => {
  let host: Host;
  let naive: NaivePoller;
  let sent: string[];
  /** The present in seconds, as it is when a test begins: "the same second" must not depend on how long that takes. */
  let now: number;

  beforeEach(async () => {
    host = await startHost({ ...quick, providers: [Book], source: { ...quick.source, mode: 'poll' } });
    await firstWalk(host);
    naive = new NaivePoller(host.stripe);
    sent = [];
    now = Math.floor((Date.now() + host.stripe.clock.offsetMs) / 1000);
  });
  afterEach(() => host.close());

  /** Puts events into the log, so many seconds ago, of which no webhook tells. */
  function log(secondsAgo: readonly number[]): void {
    host.stripe.deliverTo(null);
    for (const ago of secondsAgo) {
      const id = `evt_${sent.length}`;
      host.stripe.send({
        ...stripeEvent('customer.updated', { id: `cus_${id}` }).payload,
        id,
        created: now - ago,
      });
      sent.push(id);
    }
  }

  async function poll(): Promise<void> {
    await host.sync.poll({ source: 'stripe' });
    await naive.poll();
  }

  async function expectAllBooked(): Promise<void> {
    await settled(host);
    expect((await effects(host)).sort()).toEqual(sent.map((id) => `booked ${id}`).sort());
  }

  it('over events that share a second with the last one read, on a page’s edge or not', async () => {
    log(Array.from({ length: 99 }, (_, i) => 50 - Math.floor(i / 20)));
    await poll();
    // The second of the newest goes on: the hundredth and more.
    log(Array.from({ length: 130 }, () => 46));
    await poll();
    log([46]);
    await poll();
    await expectAllBooked();
    expect(naive.seen.size).toBeLessThan(sent.length);
  });

  it('over events that appear in the log after later ones', async () => {
    log([20]);
    await poll();
    log([45, 30, 21]);
    await poll();
    log([60, 19]);
    await poll();
    await expectAllBooked();
    expect(naive.seen.size).toBeLessThan(sent.length);
  });

  it('while events appear as it reads', async () => {
    log(Array.from({ length: 250 }, (_, i) => 250 - i));
    const page = host.stripe.hold({ path: '/v1/events' });
    const polling = host.sync.poll({ source: 'stripe' });
    await page.reached;
    log(Array.from({ length: 150 }, () => 0));
    page.release();
    await polling;
    await expectAllBooked();
  });

  it('over a failure on the way: it goes on from the page that was stored', async () => {
    log(Array.from({ length: 450 }, (_, i) => 450 - i));
    const upwards = (request: ApiRequestEntry) => request.query.ending_before !== undefined;
    const third = (request: ApiRequestEntry) => upwards(request) && host.stripe.requests.count(upwards) > 2;
    host.stripe.faults.failNext({ match: third, status: 500 });
    const [first] = await host.sync.poll({ source: 'stripe' });
    expect(first).toMatchObject({ atEnd: false });
    expect(first!.found).toBeGreaterThan(0);
    // Unless the time for that has come by itself.
    await host.sync.poll({ source: 'stripe' });
    await until(async () => (await host.count(SyncEventEntity)) === sent.length);
    // Nothing of the first walk but the page that failed is asked for again.
    const asked = host.stripe.requests.all(upwards).map(({ query }) => query.ending_before);
    expect(asked.length - new Set(asked).size).toBe(1);
    await expectAllBooked();
  });

  it('by itself, when it is time', async () => {
    log([10, 5]);
    travel(host, 300_000);
    await until(async () => (await effects(host)).length === 2);
    await expectAllBooked();
  });
});
