import { Budget } from '../../lib/hydrate/budget.js';
import type { BudgetStore } from '../../lib/hydrate/budget-store.js';
import { BudgetStores } from '../../lib/hydrate/budget-stores.js';
import { DailyCalls } from '../../lib/hydrate/daily-calls.js';
import { MemoryBudgetStore } from '../../lib/hydrate/memory.budget-store.js';
import { SyncClock } from '../../lib/sync.clock.js';
import type { ResolvedSyncOptions } from '../../lib/sync.options.js';

const stripe = { source: 'stripe', connectionId: 'a' };

/** Each with a clock of its own, as if in a process of its own, where the store is not. */
function budgetFor(
  sources: object,
  {
    clock = new SyncClock(),
    store = new MemoryBudgetStore(clock),
    shared,
  }: { clock?: SyncClock; store?: BudgetStore; shared?: BudgetStore } = {},
): Budget {
  const options = { sources } as unknown as ResolvedSyncOptions;
  return new Budget(new BudgetStores(store, shared), new DailyCalls(clock, options), options);
}

describe('the budget', () => {
  it('gives each token to one of those who ask at once, and nobody an error', async () => {
    const sources = { stripe: { callsPerSecond: 5, sourceCallsPerSecond: 7, connector: {} } };
    const budget = budgetFor(sources);
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
    const budget = budgetFor(sources, { clock });
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

  it('is that of all who share its store, however they ask at once', async () => {
    const store = new MemoryBudgetStore(new SyncClock());
    const sources = { stripe: { callsPerSecond: 10, sourceCallsPerSecond: 8, connector: {} } };
    const budgets = Array.from({ length: 5 }, () => budgetFor(sources, { store }));
    const grants = await Promise.all(budgets.map((budget) => budget.take(stripe, 3, 'live')));
    // One that was slower gives back what it took too much, of both buckets.
    const granted = grants.reduce((sum, grant) => sum + grant.granted, 0);
    expect(granted).toBeLessThanOrEqual(8);
    const rest = await budgets[0]!.take(stripe, 10, 'live');
    expect(granted + rest.granted).toBe(8);
  });

  it('has one call of all processes find out whether a provider is back', async () => {
    const clock = new SyncClock();
    const store = new MemoryBudgetStore(clock);
    const sources = { stripe: { callsPerSecond: 10, sourceCallsPerSecond: 10, connector: {} } };
    const budgets = Array.from({ length: 3 }, () => budgetFor(sources, { store }));
    const takeAll = () => Promise.all(budgets.map((budget) => budget.take(stripe, 2, 'live')));
    await budgets[0]!.pause(stripe, 5_000, 'provider-unavailable');
    expect((await takeAll()).map(({ granted, reason }) => [granted, reason])).toEqual(
      Array.from({ length: 3 }, () => [0, 'provider-unavailable']),
    );
    clock.offsetMs += 5_001;
    const probes = await takeAll();
    expect(probes.map(({ granted }) => granted).sort((a, b) => a - b)).toEqual([0, 0, 1]);
    expect(probes.every(({ reason }) => reason === 'provider-unavailable')).toBe(true);
    await budgets[1]!.recovered(stripe);
    expect((await takeAll()).map(({ granted }) => granted)).toEqual([2, 2, 2]);
  });

  it("is the process' own while the shared one is away, and asks for that now and then only", async () => {
    let asked = 0;
    const away = { read: () => Promise.reject(new Error(`away ${(asked += 1)}`)) } as unknown as BudgetStore;
    const sources = { stripe: { callsPerSecond: 4, sourceCallsPerSecond: 4, connector: {} } };
    const budget = budgetFor(sources, { shared: away });
    expect((await budget.take(stripe, 3, 'live')).granted).toBe(3);
    expect((await budget.take(stripe, 3, 'live')).granted).toBe(1);
    // Both notes at the first time, and none at the second.
    expect(asked).toBe(2);
  });
});
