import fc from 'fast-check';
import { stripe } from 'nestjs-hybrid-sync/stripe';
import { FakeStripe } from 'nestjs-hybrid-sync/testing';
import { stripeEvent } from 'nestjs-hybrid-sync/testing/stripe';
import { CursorExpiredError, ProviderError } from '../../lib/sync.errors.js';

const DAY_MS = 86_400_000;
const OPTIONS = { signal: new AbortController().signal, timeoutMs: 5_000, nowMs: Date.now() };

/** Walks to the end of the log, and says what it has been given, call by call. */
class Walker {
  cursor: string | null = null;
  calls = 0;

  constructor(
    private readonly fake: FakeStripe,
    private readonly since = new Date(0),
    private readonly connectionId = 'default',
  ) {}

  async walk(): Promise<string[]> {
    const { connector } = stripe({
      apiKey: this.fake.apiKey,
      webhookSecrets: ['whsec_1'],
      connections: { acct_1: {} },
      ...this.fake.connection,
    });
    const ids: string[] = [];
    for (let more = true; more;) {
      const now = new Date(Date.now() + this.fake.clock.offsetMs);
      const { cursor, since, connectionId } = this;
      const page = await connector.changes!({ connectionId, cursor, since, now }, OPTIONS);
      this.calls += 1;
      this.cursor = page.cursor;
      more = page.more;
      ids.push(...page.events.map(({ eventId }) => eventId!));
    }
    return ids;
  }
}

/** Events so many seconds ago, by the fake's clock. */
function log(fake: FakeStripe, secondsAgo: readonly number[], prefix = 'evt'): string[] {
  const now = Math.floor((Date.now() + fake.clock.offsetMs) / 1000);
  return secondsAgo.map((ago, i) => {
    const id = `${prefix}_${i}`;
    fake.send({ ...stripeEvent('customer.updated', { id: `cus_${i}` }).payload, id, created: now - ago });
    return id;
  });
}

describe('the log of Stripe’s events', () => {
  let fake: FakeStripe;
  beforeEach(async () => {
    fake = await FakeStripe.start();
  });
  afterEach(() => fake.close());

  it('is read whole and in order, wherever the pages end and however many events share a second', async () => {
    const gaps = fc.oneof(
      fc.constant(0),
      fc.integer({ min: 0, max: 3 }),
      fc.integer({ min: 0, max: 90_000 }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(gaps, { maxLength: 700, size: 'max' }), async (given) => {
        const own = await FakeStripe.start();
        try {
          let ago = 0;
          const times = given.map((gap) => (ago += gap)).reverse();
          const inLog = times.filter((time) => time < 29 * 86_400);
          log(own, times.slice(0, times.length - inLog.length), 'old');
          const ids = log(own, inLog);
          const walker = new Walker(own);
          const read = (await walker.walk()).filter((id) => ids.includes(id));
          expect(new Set(read)).toEqual(new Set(ids));
          const timeOf = new Map(ids.map((id, i) => [id, inLog[i]!]));
          const readTimes = [...new Set(read)].map((id) => timeOf.get(id)!);
          expect(readTimes).toEqual([...readTimes].sort((a, b) => b - a));
          // A page has a hundred; to find the oldest of them takes some looking.
          expect(walker.calls).toBeLessThanOrEqual(ids.length / 100 + 50);
        } finally {
          await own.close();
        }
      }),
      { numRuns: 30 },
    );
  });

  it('costs one call when little has happened, and nothing is read a third time', async () => {
    const ids = log(fake, [300, 200, 5, 5, 4]);
    const walker = new Walker(fake);
    expect(await walker.walk()).toEqual(ids);
    expect(walker.calls).toBe(1);
    // Again from a minute before the newest on: something earlier may have come late.
    expect(await walker.walk()).toEqual(ids.slice(2));
    expect(walker.calls).toBe(2);
    fake.clock.offsetMs += 3_600_000;
    const later = log(fake, [1], 'later');
    expect(await walker.walk()).toEqual([...ids.slice(2), ...later]);
    expect(await walker.walk()).toEqual(later);
  });

  it('gives what comes into it late, with a time before what was read', async () => {
    log(fake, [10]);
    const walker = new Walker(fake);
    await walker.walk();
    const late = log(fake, [40, 10], 'late');
    expect(new Set(await walker.walk())).toEqual(new Set(['evt_0', ...late]));
  });

  it('takes few calls from where it was read last, though much has happened', async () => {
    log(fake, [10]);
    const walker = new Walker(fake);
    await walker.walk();
    fake.clock.offsetMs += 600_000;
    const ids = log(
      fake,
      Array.from({ length: 1_000 }, (_, i) => Math.floor(599 - i * 0.59)),
      'busy',
    );
    walker.calls = 0;
    expect((await walker.walk()).slice(1)).toEqual(ids);
    expect(walker.calls).toBeLessThanOrEqual(18);
  });

  it.each([
    ['at once', () => 8],
    ['in a short time', (i: number) => 30 - Math.floor(i / 20)],
  ])('costs one call again some time after much has happened %s', async (_, secondsAgo) => {
    log(
      fake,
      Array.from({ length: 450 }, (_, i) => secondsAgo(i)),
    );
    const walker = new Walker(fake);
    await walker.walk();
    const callsOf = async () => {
      const before = walker.calls;
      await walker.walk();
      return walker.calls - before;
    };
    expect(await callsOf()).toBeGreaterThan(3);
    fake.clock.offsetMs += 121_000;
    await walker.walk();
    expect(await callsOf()).toBe(1);
    const [late] = log(fake, [121], 'later');
    expect(await walker.walk()).toContain(late);
  });

  it('begins where it is to begin, a minute early', async () => {
    log(fake, [300, 130, 100, 50]);
    const walker = new Walker(fake, new Date(Date.now() - 80_000));
    expect(await walker.walk()).toEqual(['evt_1', 'evt_2', 'evt_3']);
  });

  it('is an account’s own', async () => {
    const event = { ...stripeEvent('customer.updated', { id: 'cus_1' }).payload, account: 'acct_1' };
    fake.send(event);
    log(fake, [1]);
    expect(await new Walker(fake).walk()).toEqual(['evt_0']);
    expect(await new Walker(fake, new Date(0), 'acct_1').walk()).toEqual([event.id]);
  });

  it('is read on if nothing has happened for longer than it reaches back', async () => {
    log(fake, [10]);
    const walker = new Walker(fake);
    for (let i = 0; i < 5; i += 1) {
      await walker.walk();
      fake.clock.offsetMs += 20 * DAY_MS;
    }
    const ids = log(fake, [10], 'new');
    expect(await walker.walk()).toEqual(ids);
  });

  it('says so when it does not reach back to the last walk', async () => {
    log(fake, [10]);
    const walker = new Walker(fake);
    await walker.walk();
    fake.clock.offsetMs += 31 * DAY_MS;
    const error = await walker.walk().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(CursorExpiredError);
    expect((error as CursorExpiredError).since.getTime()).toBeGreaterThan(Date.now() + DAY_MS - 3_600_000);
  });

  it('is no log if something else answers', async () => {
    fake.faults.failNext({ status: 200, body: { hello: 'world' } });
    await expect(new Walker(fake).walk()).rejects.toBeInstanceOf(ProviderError);
    fake.faults.outage = true;
    await expect(new Walker(fake).walk()).rejects.toMatchObject({ failure: 'unavailable' });
  });
});
