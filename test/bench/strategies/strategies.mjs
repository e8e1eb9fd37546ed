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
