import { Injectable } from '@nestjs/common';

/**
 * The one place that reads the machine's clock or rolls dice. Due times and leases are the database's `now()` plus
 * `offsetMs`, which only the test kit sets; nothing is ever ordered by this clock.
 */
@Injectable()
export class SyncClock {
  /** How far test time runs ahead of real time, in milliseconds. */
  offsetMs = 0;

  /** Epoch milliseconds. */
  now(): number {
    return Date.now() + this.offsetMs;
  }

  /** From 0 (inclusive) to 1. */
  random(): number {
    return Math.random();
  }
}
