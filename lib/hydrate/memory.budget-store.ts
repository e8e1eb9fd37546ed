import { Injectable } from '@nestjs/common';
import { RateLimiterMemory } from 'rate-limiter-flexible';
import { SyncClock } from '../sync.clock.js';
import { BudgetStore, type Note } from './budget-store.js';

/** The budgets of one process. */
@Injectable()
export class MemoryBudgetStore extends BudgetStore {
  /** Until when they hold by the module's clock: in tests a pause is over when the clock says so. */
  private readonly notes = new Map<string, { text: string; until: number }>();

  constructor(private readonly clock: SyncClock) {
    super();
  }

  protected makeLimiter(name: string, callsPerSecond: number): RateLimiterMemory {
    return new RateLimiterMemory({ keyPrefix: name, points: callsPerSecond, duration: 1 });
  }

  async read(key: string): Promise<Note | null> {
    return this.present(key);
  }

  async note(key: string, text: string, forMs: number): Promise<void> {
    this.notes.set(key, { text, until: this.clock.now() + forMs });
  }

  async noteFirst(key: string, text: string, forMs: number): Promise<boolean> {
    if (this.present(key)) return false;
    await this.note(key, text, forMs);
    return true;
  }

  async forget(key: string): Promise<void> {
    this.notes.delete(key);
  }

  private present(key: string): Note | null {
    const note = this.notes.get(key);
    if (!note) return null;
    const leftMs = note.until - this.clock.now();
    if (leftMs > 0) return { text: note.text, leftMs };
    this.notes.delete(key);
    return null;
  }
}
