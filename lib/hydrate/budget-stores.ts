import { Logger } from '@nestjs/common';
import { withinLimit } from '../database/time-limit.js';
import type { BudgetStore } from './budget-store.js';
import { messageOf } from '../model/message-of.js';

/** One that does not answer for so long counts as away. */
const ANSWERS_WITHIN_MS = 1_000;

/** How long one that is away is left alone. */
const LEFT_ALONE_MS = 5_000;

/** The store that all processes share, where there is one; while it is away, this process' own. */
export class BudgetStores {
  private readonly logger = new Logger('Sync');
  private awayUntil = -Infinity;
  private isAway = false;

  constructor(
    private readonly own: BudgetStore,
    private readonly shared?: BudgetStore,
  ) {}

  async use<T>(ask: (store: BudgetStore) => Promise<T>): Promise<T> {
    if (!this.shared || performance.now() < this.awayUntil) return ask(this.own);
    try {
      const answer = await withinLimit(ANSWERS_WITHIN_MS, ask(this.shared), async () => undefined);
      if (this.isAway) this.logger.log('the budget is shared with the other processes again');
      this.isAway = false;
      return answer;
    } catch (error) {
      this.awayUntil = performance.now() + LEFT_ALONE_MS;
      if (!this.isAway) {
        this.logger.error(`the budget is this process' own until Redis is back: ${messageOf(error)}`);
      }
      this.isAway = true;
      return ask(this.own);
    }
  }
}
