import { PollingScheduler } from '../../../dist/esm/ingest/poll/polling.scheduler.js';

/**
 * The module looks for logs that are due every few seconds of real time, which hardly passes here: it is made to look when
 * the simulated time has come. `SyncService.poll()` would be the same walk, but not write down first that webhooks come.
 */
export class Polling {
  #ticks;

  constructor(app) {
    this.#ticks = app.get(PollingScheduler, { strict: false }).ticks;
  }

  get isWalking() {
    return this.#ticks.underWay.work.size > 0;
  }

  /** Begins the walks that are due. */
  lookForDue() {
    return this.#ticks.begin();
  }
}
