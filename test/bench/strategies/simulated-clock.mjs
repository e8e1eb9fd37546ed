import { setTimeout as sleep } from 'node:timers/promises';
import { Budget } from '../../../dist/esm/hydrate/budget.js';
import { SyncClock } from '../../../dist/esm/sync.clock.js';

/** The budget is whole again after so long. */
const BUDGET_MS = 1_000;

/**
 * The time of application and fake, in milliseconds since the simulated day began. It runs as real time does, and jumps
 * where nothing happens.
 */
export class SimulatedClock {
  #clock;
  #budget;
  #fake;
  #startedAt;

  constructor(app, fake) {
    this.#clock = app.get(SyncClock, { strict: false });
    this.#budget = app.get(Budget, { strict: false });
    this.#fake = fake;
    // Whole seconds, which is what Stripe's times are: one seed has the same events within each second.
    this.#startedAt = Math.ceil(Date.now() / 1_000) * 1_000;
  }

  get now() {
    return Date.now() + this.offsetMs - this.#startedAt;
  }

  get offsetMs() {
    return this.#clock.offsetMs;
  }

  /** Of a date by the fake's clock. */
  timeOf(date) {
    return date.getTime() - this.#startedAt;
  }

  /** Without effect if it is later already. */
  jumpTo(time) {
    const ms = time - this.now;
    if (ms <= 0) return;
    this.#fake.clock.offsetMs += ms;
    // Not by TestClock, which waits for the module to be idle at each of many thousand jumps.
    this.#clock.offsetMs += ms;
    // It is given out by real time, of which too little has passed.
    if (ms >= BUDGET_MS) this.#budget.limiters.clear();
  }

  /** Lets real time go by. */
  async reach(time) {
    const ms = time - this.now;
    if (ms > 0) await sleep(ms);
  }
}
