/** How the module is set up in each. What is not named is its default. */
export const STRATEGIES = {
  'poll-30': { title: 'poll 30 s', source: { mode: 'poll', poll: { everyMs: 30_000 } } },
  'poll-60': { title: 'poll 60 s', source: { mode: 'poll', poll: { everyMs: 60_000 } } },
  webhooks: { title: 'webhooks only', source: { mode: 'webhook' } },
  hybrid: { title: 'hybrid', source: {} },
};

export function receivesWebhooks({ source }) {
  return source.mode !== 'poll';
}

/**
 * The budget is given out by real time, which hardly passes on a day that is jumped through. At a change in nine seconds it
 * would never bind, so there it is out of the way; a burst passes in real time, under the default.
 */
const UNBOUND = { callsPerSecond: 10_000, sourceCallsPerSecond: 10_000 };

export function sourceFor({ source }, shape) {
  return shape === 'bursty' ? source : { ...UNBOUND, ...source };
}
