import { setTimeout as sleep } from 'node:timers/promises';
import { FakeStripe } from 'nestjs-hybrid-sync/testing';
import { startApplication } from './application.mjs';
import { Polling } from './polling.mjs';
import { SimulatedClock } from './simulated-clock.mjs';
import { receivesWebhooks } from './strategies.mjs';
import { Timeline } from './timeline.mjs';
import { DAY_MS, HOUR_MS } from './traffic.mjs';

/** What comes so close together comes at its real pace, whether or not the module has kept up: so it is with bursts. */
const REAL_PACE_MS = 50;

const LOOK_EVERY_MS = 2;

/** Stripe's waits between the attempts to deliver a webhook. */
const RETRY_AFTER_MS = [1 / 12, 0.5, 2, 5, 10, 12, 12, 12].map((hours) => hours * HOUR_MS);

/** Late repairs count for so long. */
const PATIENCE_MS = 24 * HOUR_MS;

/** One day of traffic through one strategy, and what came of it. */
export async function simulate(traffic, strategy, database) {
  const fake = await FakeStripe.start({ retryDelaysMs: [] });
  for (const id of traffic.records) fake.create('customer', { id }, { delivery: 'unlogged' });
  const applied = [];
  let clock;
  const app = await startApplication({
    source: strategy.source,
    databaseUrl: database.url,
    fake,
    applied: (record, sequence) => applied.push({ at: clock.now, record, sequence }),
  });
  try {
    if (receivesWebhooks(strategy)) fake.deliverTo(`${await app.getUrl()}/webhooks/stripe`);
    clock = new SimulatedClock(app, fake);
    const webhooks = receivesWebhooks(strategy);
    await new Day(traffic, { fake, clock, polling: new Polling(app), database, applied, webhooks }).pass();
    return {
      applied,
      requests: fake.requests.all().map(({ path, at }) => ({ path, at: clock.timeOf(at) })),
      logged: fake.all('event').length,
      refused: fake.deliveries.count({ outcome: 'failed' }),
      dead: await database.count(`sync_event WHERE state = 'dead'`),
      rows: await database.sql('SELECT id, sequence FROM customer_copy'),
      truth: fake.all('customer').map(({ id, metadata }) => ({ id, sequence: Number(metadata.sequence) })),
    };
  } finally {
    await app.close();
    await fake.close();
  }
}

/** Plays what happens at the provider and on the way from it. */
class Day {
  #traffic;
  #parts;
  #timeline;
  #newest = new Map();
  #sent = 0;
  /** When the log is due to be read; Infinity also while that is not known. */
  #walkAt = Infinity;
  #busy = true;

  constructor(traffic, parts) {
    this.#traffic = traffic;
    this.#parts = parts;
    this.#timeline = new Timeline(
      traffic.changes.map((change) => ({ at: change.at, run: () => this.#change(change) })),
    );
  }

  async pass() {
    const { clock, polling } = this.#parts;
    const end = DAY_MS + PATIENCE_MS;
    while (clock.now < end && !this.#isOver()) {
      const goal = Math.min(this.#timeline.nextAt, this.#walkAt, end);
      if (this.#timeline.nextAt <= clock.now) this.#timeline.take().run();
      else if (this.#walkAt <= clock.now) {
        await polling.lookForDue();
        this.#walkAt = Infinity;
        this.#busy = true;
      } else if (goal - clock.now <= REAL_PACE_MS) await clock.reach(goal);
      else if (this.#busy) await this.#settle(goal);
      else clock.jumpTo(goal);
    }
  }

  #change({ record, sequence, lost, deliveryMs }) {
    const { fake, clock, webhooks } = this.#parts;
    fake.update('customer', record, { metadata: { sequence: String(sequence) } }, { delivery: 'unlogged' });
    // Logged, and delivered when it is time: the fake's own sender knows no simulated time.
    const { id } = fake.emit('customer.updated', 'customer', record, { delivery: 'lost' });
    this.#newest.set(record, sequence);
    if (webhooks && !lost) this.#deliver(id, clock.now + deliveryMs, 0);
  }

  #deliver(eventId, at, attempt) {
    const { outage } = this.#traffic;
    const isDown = outage !== null && at >= outage.from && at < outage.to;
    const again = () => this.#deliver(eventId, at + RETRY_AFTER_MS[attempt], attempt + 1);
    const send = () => {
      this.#sent += 1;
      this.#busy = true;
      this.#parts.fake.resend(eventId);
    };
    this.#timeline.add({ at, run: isDown ? again : send });
  }

  /** Resolves when the module has nothing to do, or there is something to do here. */
  async #settle(deadline) {
    const { fake, clock, polling, database } = this.#parts;
    while (clock.now < Math.min(deadline, this.#walkAt)) {
      if (fake.deliveries.length === this.#sent && !polling.isWalking) {
        const [{ waiting, walk_in_ms: walkInMs }] = await database.sql(TO_DO);
        this.#walkAt = walkInMs === null ? Infinity : clock.now + walkInMs - clock.offsetMs;
        this.#busy = waiting;
        if (!this.#busy) return;
      }
      await sleep(LOOK_EVERY_MS);
    }
  }

  /** The day is over, and nothing is left that could be repaired. */
  #isOver() {
    const { clock, applied } = this.#parts;
    if (clock.now < DAY_MS || this.#timeline.nextAt < Infinity) return false;
    const missing = new Map(this.#newest);
    for (const { record, sequence } of applied) if (sequence >= missing.get(record)) missing.delete(record);
    return missing.size === 0;
  }
}

/**
 * What the module has to do, and when by the database's own clock. Events that are worked on are waiting. A walk that broke
 * off has left its lease, and nobody walks until that runs out.
 */
const TO_DO = `SELECT EXISTS (SELECT FROM sync_event WHERE state = 'waiting') AS waiting,
  (SELECT (EXTRACT(EPOCH FROM COALESCE(walk_until, due_at) - now()) * 1000)::float FROM sync_cursor) AS walk_in_ms`;
