import { stripe } from 'nestjs-hybrid-sync/stripe';
import { BootLab, source, type Mistake } from '../support/wrong-setup.js';

/** Of a provider without a log. */
const unpollable = {
  connector: Object.assign(Object.create(source().connector) as object, { changes: undefined }),
};

/** The source `x`, and what a host is told. */
const sources: [string, unknown, RegExp][] = [
  [
    'null',
    null,
    /sources\.x must be made by a connector's function, \{ x: stripe\(\{ \.\.\. \}\) \}, and is null/,
  ],
  ['undefined', undefined, /sources\.x must be made by a connector's function.*and is undefined/],
  ['an empty object', {}, /sources\.x must be made by.*and is an object without a connector/],
  [
    'options without stripe()',
    { apiKey: 'sk_test_1', webhookSecrets: ['whsec_1'] },
    /sources\.x must be made by.*an object without a connector/,
  ],
  ['a key', 'sk_test_hush', /sources\.x must be made by.*and is a text$/],
  ['stripe itself, not called', stripe, /sources\.x must be made by.*and is a function/],
  [
    'a connector, not a source',
    source().connector,
    /sources\.x must be made by.*an object without a connector/,
  ],
  [
    'a connector of nothing',
    { connector: {} },
    /sources\.x: this is no connector, since its provider must be a text.*and is null/,
  ],
  [
    'half a connector',
    { connector: { ...source().connector } },
    /sources\.x: this is no connector, since its problems must be a function/,
  ],
  [
    'a misspelt option of stripe()',
    source({ webhookSecret: 'whsec_1' }),
    /x: there is no such option: 'webhookSecret'\. Did you mean 'webhookSecrets'\?/,
  ],
  ['another case', source({ webhooksecrets: [] }), /'webhooksecrets'\. Did you mean 'webhookSecrets'\?/],
  ['a misspelt policy', source({ callPerSecond: 5 }), /'callPerSecond'\. Did you mean 'callsPerSecond'\?/],
  [
    'a policy that there is not',
    source({ throttle: 5 }),
    /'throttle'\. There are: mode, poll, reconcile, start, handlers, callsPerSecond, .*apiKey/,
  ],
  [
    'a mode that there is not',
    source({ mode: 'push' }),
    /mode must be 'webhook' or 'poll' or 'hybrid', or one .*'push'/,
  ],
  ['such a mode for a resource', source({ mode: { invoice: 'off' } }), /mode must be 'webhook' or 'poll'/],
  [
    'a mode for a misspelt resource',
    source({ mode: { invoces: 'poll' } }),
    /'invoces', which cannot be read from stripe/,
  ],
  [
    'polling where there is no log',
    { ...unpollable, mode: 'poll' },
    /mode is 'poll', and stripe has no log of changes .*'webhook'/,
  ],
  [
    'hybrid where there is no log, for a resource',
    { ...unpollable, mode: { invoice: 'hybrid', '*': 'webhook' } },
    /mode is 'hybrid', and stripe has no log/,
  ],
  ['a misspelt poll', source({ poll: { every: '5m' } }), /poll: there is no such option: 'every'.*'everyMs'/],
  [
    'an interval in words',
    source({ poll: { everyMs: '5m' } }),
    /poll: everyMs must be a whole number from 1/,
  ],
  [
    'a cron that does not parse',
    source({ poll: { cron: '61 * * * *' } }),
    /poll: cron must be a cron expression/,
  ],
  ['an empty cron', source({ poll: { cron: '' } }), /poll: cron must be a cron expression/],
  ['both', source({ poll: { cron: '0 * * * *', everyMs: 5 } }), /poll has everyMs and cron/],
  ['a reconciliation without a time', source({ reconcile: {} }), /reconcile has no cron/],
  [
    'one with a wrong time',
    source({ reconcile: { cron: 'nightly' } }),
    /reconcile: cron must be a cron expression/,
  ],
  [
    'one of what cannot be listed',
    source({ reconcile: { cron: '0 3 * * *', resources: ['discount'] } }),
    /reconcile\.resources has 'discount', which cannot be listed; what can: product/,
  ],
  [
    'a depth that is none',
    source({ reconcile: { cron: '0 3 * * *', depth: 'deep' } }),
    /reconcile: depth must be 'full' or 'log', and is 'deep'/,
  ],
  [
    'two of one depth',
    source({ reconcile: [{ cron: '0 3 * * *' }, { cron: '0 4 * * *', depth: 'full' }] }),
    /reconcile has two policies of the depth 'full'/,
  ],
  [
    'a time in the place of a policy',
    source({ reconcile: ['0 3 * * *'] }),
    /reconcile must have objects such as .*, and has '0 3 \* \* \*'/,
  ],
  [
    'one of a log where there is none',
    {
      connector: Object.assign(Object.create(source().connector) as object, { changes: undefined }),
      reconcile: { cron: '0 3 * * *', depth: 'log' },
    },
    /reconcile\.depth is 'log', and stripe has no log/,
  ],
  [
    'one of what nobody would be told of',
    source({ reconcile: { cron: '0 3 * * *', resources: ['charge'] } }),
    /reconcile\.resources has 'charge', and there is no change handler/,
  ],
  [
    'one where there are no listings',
    {
      connector: Object.assign(Object.create(source().connector) as object, { list: undefined }),
      reconcile: { cron: '0 3 * * *' },
    },
    /reconcile is set, and stripe has no listings/,
  ],
  [
    'fastest that is slower',
    source({ poll: { everyMs: 5_000, fastestMs: 6_000 } }),
    /poll\.fastestMs is 6000, slower than everyMs, 5000/,
  ],
  [
    "a connector's option beside it",
    { ...source(), apiKey: 'sk_test_1' },
    /the option 'apiKey' belongs into stripe\(\{ apiKey \}\)/,
  ],
  [
    'a start in words',
    source({ start: 'yesterday' }),
    /start must be 'now' or 'log' or a valid Date, and is 'yesterday'/,
  ],
  ['a start as text', source({ start: '2026-01-01' }), /start must be .*and is '2026-01-01'/],
  ['a start in milliseconds', source({ start: 1_750_000_000_000 }), /start must be .*and is 1750000000000/],
  ['a start that is no date', source({ start: new Date('soon') }), /start must be .*and is an invalid Date/],
  ['null for a start', source({ start: null }), /start must be .*and is null/],
  ['no calls', source({ callsPerSecond: 0 }), /callsPerSecond must be a whole number from 1/],
  ['half a call', source({ callsPerSecond: 0.5 }), /callsPerSecond must be a whole number from 1/],
  ['calls as text', source({ callsPerSecond: '25' }), /callsPerSecond must be .*and is '25'/],
  ['calls without end', source({ callsPerSecond: Infinity }), /callsPerSecond must be .*and is Infinity/],
  [
    'no attempts',
    source({ maxAttempts: 0 }),
    /maxAttempts must be a whole number from 1, or Infinity, and is 0/,
  ],
  ['a back-off that is a number', source({ backoffMs: 5_000 }), /backoffMs must be a function, and is 5000/],
  [
    'a back-off in text',
    source({ backoffMs: () => '5s' }),
    /backoffMs\(1\) must be a number from 0, and is '5s'/,
  ],
  [
    'a back-off that throws',
    source({
      backoffMs: () => {
        throw new Error('no');
      },
    }),
    /backoffMs\(1\) must be .*and it throws Error: no/,
  ],
];

describe('wrong sources fail at boot', () => {
  let lab: BootLab;
  beforeAll(async () => {
    lab = await BootLab.open();
  });
  afterAll(() => lab.close());

  const mistakes: [string, Mistake][] = [
    ...sources.map(([name, x, fix]): [string, Mistake] => [name, { options: { sources: { x } }, fix }]),
    ...[undefined, null, 'sk_test_1'].map((given): [string, Mistake] => [
      `stripe(${given === undefined ? '' : JSON.stringify(given)})`,
      {
        code: 'SYNC_MISSING_API_KEY',
        fix: /'stripe': apiKey is missing/,
        options: { sources: { stripe: stripe(given as never) } },
      },
    ]),
  ];

  it.each(mistakes)('%s', (_, mistake) => lab.assertFailure(mistake));
});
