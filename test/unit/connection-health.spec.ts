import { ConnectionHealthRegistry } from '../../lib/hydrate/connection-health.registry.js';

const of = (registry: ConnectionHealthRegistry, connectionId: string) =>
  registry.of({ source: 'stripe', connectionId });

it('is one for each connection, for as long as it is asked for', () => {
  const registry = new ConnectionHealthRegistry();
  of(registry, 'acct_busy').lastSuccessAt = 7;
  for (let i = 0; i < 30_000; i++) {
    of(registry, `acct_${i}`);
    expect(of(registry, 'acct_busy').lastSuccessAt).toBe(7);
  }
});

it('is forgotten of those not asked for longest, however many there are', () => {
  const registry = new ConnectionHealthRegistry();
  for (let i = 0; i < 100_000; i++) of(registry, `acct_${i}`).rateLimits = 3;
  expect(registry.size).toBe(10_000);
  expect(of(registry, 'acct_99999').rateLimits).toBe(3);
  expect(of(registry, 'acct_0')).toEqual({
    lastSuccessAt: -Infinity,
    rateLimits: 0,
    pausedUntil: -Infinity,
    unanswered: new Set(),
    outages: 0,
  });
});
