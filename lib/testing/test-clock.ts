import type { INestApplicationContext } from '@nestjs/common';
import { SyncClock } from '../sync.clock.js';
import { SyncService } from '../sync.service.js';

/**
 * Time for tests: back-offs, leases, confirmations and pauses run out without anyone waiting for them. Moves the module's
 * clock and the `now()` of its statements, in this application only; neither the database's clock nor the rate at which
 * the budget gives out calls, nor the clock of a `FakeStripe`, whose signatures are refused after some minutes:
 * `SyncTesting.advance()` moves that too.
 */
export class TestClock {
  private readonly clock: SyncClock;
  private readonly sync: SyncService;

  constructor(app: INestApplicationContext) {
    this.clock = app.get(SyncClock, { strict: false });
    this.sync = app.get(SyncService, { strict: false });
  }

  /** How far it runs ahead by now, in milliseconds. */
  get offsetMs(): number {
    return this.clock.offsetMs;
  }

  /** Lets so many milliseconds go by, and resolves when all that has become due is done. */
  async advance(ms: number): Promise<void> {
    this.clock.offsetMs += ms;
    await this.sync.idle();
  }
}
