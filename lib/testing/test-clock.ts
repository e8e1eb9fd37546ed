import type { INestApplicationContext } from '@nestjs/common';
import { SyncClock } from '../sync.clock.js';
import { SyncService } from '../sync.service.js';

/**
 * Time for tests: back-offs, leases and confirmations run out without anyone waiting for them. Moves the module's
 * clock and the `now()` of its statements, in this application only; neither the database's clock nor the budget's.
 */
export class TestClock {
  private readonly clock: SyncClock;
  private readonly sync: SyncService;

  constructor(app: INestApplicationContext) {
    this.clock = app.get(SyncClock, { strict: false });
    this.sync = app.get(SyncService, { strict: false });
  }

  /** Lets so many milliseconds go by, and resolves when all that has become due is done. */
  async advance(ms: number): Promise<void> {
    this.clock.offsetMs += ms;
    await this.sync.idle();
  }
}
