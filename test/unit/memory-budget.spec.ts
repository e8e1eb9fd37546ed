import { MemoryBudget } from '../../lib/hydrate/memory.budget.js';
import { SyncClock } from '../../lib/sync.clock.js';
import type { ResolvedSyncOptions } from '../../lib/sync.options.js';

describe('the budget of one process', () => {
  it('gives each token to one of those who ask at once, and nobody an error', async () => {
    const sources = { stripe: { callsPerSecond: 5, sourceCallsPerSecond: 7, connector: {} } };
    const budget = new MemoryBudget(new SyncClock(), { sources } as unknown as ResolvedSyncOptions);
    const take = (connectionId: string) => budget.take({ source: 'stripe', connectionId }, 1, 'live');
    const grants = await Promise.all(
      ['a', 'b', 'a', 'b', 'a', 'b', 'a', 'b', 'a', 'b', 'a', 'b'].map((connection) => take(connection)),
    );
    expect(grants.filter(({ granted }) => granted === 1)).toHaveLength(7);
    expect(grants.filter(({ reason }) => reason === 'budget')).toHaveLength(5);
  });

  it.each([
    [74, { live: 1, reconcile: 1, backfill: 1, project: 1 }],
    [75, { live: 1, reconcile: 1, backfill: 0, project: 0 }],
    [88, { live: 1, reconcile: 0, backfill: 0, project: 0 }],
    [100, { live: 1, reconcile: 0, backfill: 0, project: 0 }],
  ])('leaves the rest of the day to what happens now, when %d %% of it are used', async (used, expected) => {
    const clock = new SyncClock();
    const connector = { usage: () => ({ used, limit: 100, at: new Date(clock.now() - ago) }) };
    const sources = { crm: { callsPerSecond: 90, sourceCallsPerSecond: 90, dailyShare: 0.75, connector } };
    const budget = new MemoryBudget(clock, { sources } as unknown as ResolvedSyncOptions);
    const granted = async () => {
      const given = { live: 0, reconcile: 0, backfill: 0, project: 0 };
      for (const forWhat of Object.keys(given) as (keyof typeof given)[])
        given[forWhat] = (await budget.take({ source: 'crm', connectionId: 'default' }, 1, forWhat)).granted;
      return given;
    };
    let ago = 0;
    expect(await granted()).toEqual(expected);
    // What was said so long ago may be otherwise by now.
    ago = 600_001;
    expect(await granted()).toEqual({ live: 1, reconcile: 1, backfill: 1, project: 1 });
  });
});
