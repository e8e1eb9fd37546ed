import { MemoryBudget } from '../../lib/hydrate/memory.budget.js';
import { SyncClock } from '../../lib/sync.clock.js';
import type { ResolvedSyncOptions } from '../../lib/sync.options.js';

describe('the budget of one process', () => {
  it('gives each token to one of those who ask at once, and nobody an error', async () => {
    const sources = { stripe: { callsPerSecond: 5, sourceCallsPerSecond: 7 } };
    const budget = new MemoryBudget(new SyncClock(), { sources } as unknown as ResolvedSyncOptions);
    const take = (connectionId: string) => budget.take({ source: 'stripe', connectionId }, 1, 'live');
    const grants = await Promise.all(
      ['a', 'b', 'a', 'b', 'a', 'b', 'a', 'b', 'a', 'b', 'a', 'b'].map((connection) => take(connection)),
    );
    expect(grants.filter(({ granted }) => granted === 1)).toHaveLength(7);
    expect(grants.filter(({ reason }) => reason === 'budget')).toHaveLength(5);
  });
});
