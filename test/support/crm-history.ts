import fc from 'fast-check';
import { HAPPENINGS, happening } from './happenings.js';

const NAMES = ['Ada', 'Bea', 'Cleo'];
const CITIES = ['Ghent', 'Oslo', 'Turin'];

const name = fc.constantFrom(...NAMES);
const city = fc.constantFrom(...CITIES);
const at = fc.nat(1);
const seldom = fc.nat(3).map((n) => n === 0);
const steps = fc.integer({ min: 1, max: 5 });
/** Of an account: a customer's, or one that Stripe knows nothing of. */
const whose = fc.constantFrom('customer' as const, 'own' as const);

/** What happens at Stripe, in the org, between them, and to the application that stands there. */
const step = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ do: fc.constant('customer' as const), at, name, remove: seldom, lost: seldom }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('person' as const),
      whose,
      at,
      set: fc.oneof(fc.record({ BillingCity: city }), fc.record({ Phone: city })),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('bin' as const), at }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('transaction' as const), whose, at, city, steps }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('lock' as const), at, times: fc.integer({ min: 1, max: 3 }) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('session over' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('stale' as const), reads: fc.integer({ min: 1, max: 3 }) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('answer lost' as const),
      source: fc.constantFrom('stripe' as const, 'crm' as const),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('held' as const),
      what: fc.constantFrom('city' as const, 'account' as const, 'reading' as const),
      steps,
    }),
  },
  { weight: HAPPENINGS, arbitrary: happening(['stripe', 'crm']) },
);

export type CrmStep = typeof step extends fc.Arbitrary<infer Value> ? Value : never;

const begun = (about: number): CrmStep[] => [
  { do: 'customer', at: about, name: 'Ada', remove: false, lost: false },
  { do: 'time passes' },
];

/** What hardly ever happens by chance, and where naive builds go wrong. */
const tales = fc.record({ at, remove: fc.boolean() }).chain(({ at: about, remove }) =>
  fc.constantFrom<CrmStep[]>(
    // A row that is written when it is long past.
    [
      ...begun(about),
      { do: 'held', what: 'account', steps: 7 },
      { do: 'customer', at: about, name: 'Bea', remove: false, lost: false },
      { do: 'rest', ms: 60 },
      { do: 'steal' },
      { do: 'customer', at: about, name: 'Cleo', remove, lost: false },
      // So long does a row wait at most for the one that is under way.
      { do: 'rest', ms: 600 },
      { do: 'time passes' },
    ],
    // The same the other way.
    [
      ...begun(about),
      { do: 'time passes' },
      { do: 'held', what: 'city', steps: 7 },
      { do: 'person', whose: 'customer', at: about, set: { BillingCity: 'Oslo' } },
      { do: 'time passes' },
      { do: 'steal' },
      { do: 'person', whose: 'customer', at: about, set: { BillingCity: 'Turin' } },
      { do: 'time passes' },
    ],
    // A commit with the stamps of before, of which nobody tells.
    [
      { do: 'drop', source: 'crm', on: true },
      { do: 'transaction', whose: 'own', at: about, city: 'Ghent', steps: 5 },
      { do: 'time passes' },
      { do: 'person', whose: 'own', at: 1 - about, set: { BillingCity: 'Oslo' } },
      { do: 'time passes' },
      { do: 'poll', source: 'crm' },
    ],
    // Twice within one second, and read in between.
    [
      { do: 'drop', source: 'crm', on: true },
      { do: 'person', whose: 'own', at: about, set: { BillingCity: 'Oslo' } },
      { do: 'poll', source: 'crm' },
      { do: 'rest', ms: 60 },
      { do: 'person', whose: 'own', at: about, set: { BillingCity: 'Turin' } },
      { do: 'time passes' },
    ],
  ),
);

export const crmHistory = fc
  .array(
    fc.oneof(
      { weight: 12, arbitrary: step.map((one) => [one]) },
      { weight: 1, arbitrary: tales },
      { weight: 1, arbitrary: at.map(begun) },
    ),
    { minLength: 5, maxLength: 30 },
  )
  .map((parts) => parts.flat());
