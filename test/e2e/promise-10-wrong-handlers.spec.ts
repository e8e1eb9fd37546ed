import { OnSyncAlarm, OnSyncChange, OnSyncEvent } from 'nestjs-hybrid-sync';
import { OnStripeChange, OnStripeEvent } from 'nestjs-hybrid-sync/stripe';
import { BootLab, handlerOf, type Mistake } from '../support/wrong-setup.js';

/** `any`: a host in JavaScript, or one that has silenced the compiler. */
const anything = (value: unknown): any => value;

const onEvent = (options: unknown) => OnSyncEvent('stripe', 'customer.*', anything(options));
const onChange = (options: unknown) => OnSyncChange('stripe', 'customer', anything(options));
const onStripe = (options: unknown) =>
  OnStripeEvent('customer.created', anything(options)) as MethodDecorator;

class NoProvider {
  read() {
    return new Map();
  }
}

class Misspelt {
  reed() {
    return new Map();
  }
}

const mistakes: [string, MethodDecorator, RegExp][] = [
  [
    'a misspelt option',
    onEvent({ timoutMs: 5 }),
    /^SYNC_INVALID_OPTION: Billing\.handle: .*'timoutMs'\. Did you mean 'timeoutMs'\?/,
  ],
  [
    'an option of event handlers',
    onChange({ hydrate: false }),
    /'hydrate'\. There are: name, formerly, transaction, requires, observe, timeoutMs, batch, read/,
  ],
  ['a misspelt hydrate', onEvent({ hidrate: false }), /'hidrate'\. Did you mean 'hydrate'\?/],
  ['the source as an option', onEvent({ source: 'stripe' }), /no such option: 'source'/],
  ["a misspelt source of Stripe's", onStripe({ sorce: 'stripe' }), /'sorce'\. Did you mean 'source'\?/],
  ['a source that is no name', onStripe({ source: 7 }), /source '7'.*There are: 'stripe'/],
  ['null for options', onChange(null), /Billing\.handle: the options must be an object, and are null/],
  ["null for Stripe's", onStripe(null), /the options must be an object, and are null/],
  [
    "the source's name for options",
    onStripe('stripeEu'),
    /the options must be an object, and are 'stripeEu'/,
  ],
  [
    'another transaction',
    onEvent({ transaction: 'reqired' }),
    /transaction must be 'required' or 'none', and is 'reqired'/,
  ],
  ['no transaction by false', onEvent({ transaction: false }), /transaction must be .*and is false/],
  ['no time', onEvent({ timeoutMs: 0 }), /timeoutMs must be a number above 0.*and is 0/],
  ['time without end', onEvent({ timeoutMs: Infinity }), /timeoutMs must be .*and is Infinity/],
  [
    'more time than timers have',
    onEvent({ timeoutMs: 2 ** 31 }),
    /timeoutMs must be a number above 0, at most 2147483647/,
  ],
  ['time in words', onChange({ timeoutMs: '30s' }), /timeoutMs must be .*and is '30s'/],
  ['no age', onEvent({ maxAgeMs: 0 }), /maxAgeMs must be a number above 0, and is 0/],
  ['an age that is none', onEvent({ maxAgeMs: NaN }), /maxAgeMs must be .*and is NaN/],
  [
    'a date in text',
    onEvent({ notBefore: '2026-01-01' }),
    /notBefore must be a valid Date, and is '2026-01-01'/,
  ],
  [
    'a date that is none',
    onEvent({ notBefore: new Date(NaN) }),
    /notBefore must be a valid Date, and is an invalid Date/,
  ],
  ['a batch of events', onEvent({ batch: 10 }), /no such option: 'batch'/],
  ['a batch of none', onChange({ batch: 0 }), /batch must be a whole number from 1 to 1000, and is 0/],
  ['a batch without end', onChange({ batch: Infinity }), /batch must be .* and is Infinity/],
  [
    'a batch of transactions that there are not',
    onChange({ batch: 10, transaction: 'none' }),
    /batch is for records that share a transaction, and with transaction: 'none' there is none/,
  ],
  ['hydrate in words', onEvent({ hydrate: 'no' }), /hydrate must be true or false, and is 'no'/],
  [
    'parents as a list',
    onChange({ requires: [['customer', 'cus_1']] }),
    /requires must be a function, and is an array/,
  ],
  [
    'parents out of a record that is not fetched',
    onEvent({ hydrate: false, requires: () => [] }),
    /requires looks into the record.*leave one of them out/,
  ],
  ['a reader that is none', onChange({ read: ['id'] }), /read must be a function, and is an array/],
  [
    'a reader that nobody provides',
    onChange({ read: NoProvider }),
    /read: NoProvider is no provider.*add it to the providers/,
  ],
  [
    'a reader without its method',
    onChange({ read: Misspelt }),
    /read: the class Misspelt has no method `read`/,
  ],
  ['a reader of events', onEvent({ read: () => new Map() }), /no such option: 'read'/],
  ['no name', onEvent({ name: '' }), /name must be a text of 1 to 255 characters, and is ''/],
  [
    'a name that no column holds',
    onEvent({ name: 'n'.repeat(256) }),
    /name must be a text of 1 to 255 characters/,
  ],
  ['a name that is none', onEvent({ name: Symbol.iterator }), /name must be a text.*and is Symbol/],
  [
    'no source',
    OnSyncEvent(anything(undefined), '*'),
    /Billing\.handle: the source must be the name of one.*and is undefined.*has: 'stripe'/,
  ],
  [
    'no event type',
    OnSyncEvent('stripe', anything(undefined)),
    /the event types must be texts such as 'invoice\.paid'.*there is undefined/,
  ],
  [
    'an empty list of event types',
    OnSyncEvent('stripe', []),
    /the event types must be .*there is an empty array/,
  ],
  [
    'a regular expression',
    OnSyncEvent('stripe', anything(/invoice/)),
    /the event types must be .*there is an object/,
  ],
  [
    'no resource',
    OnSyncChange('stripe', anything(undefined)),
    /the resource must be a text.*such as 'customer', and is undefined/,
  ],
  [
    "no resource of Stripe's",
    OnStripeChange(anything('')) as MethodDecorator,
    /the resource must be .*and is ''/,
  ],
];

describe('wrong handlers fail at boot', () => {
  let lab: BootLab;
  beforeAll(async () => {
    lab = await BootLab.open();
  });
  afterAll(() => lab.close());

  const all: [string, Mistake][] = [
    ...mistakes.map(([name, decorator, fix]): [string, Mistake] => [
      name,
      {
        code: name.startsWith('a source') ? 'SYNC_UNKNOWN_SOURCE' : undefined,
        fix,
        providers: [handlerOf(decorator)],
      },
    ]),
    [
      'a class whose name no column holds',
      {
        fix: /is longer than 255 characters: give the handler another name, \{ name: '\.\.\.' \}/,
        providers: [handlerOf(onEvent({}), 'N'.repeat(255))],
      },
    ],
  ];

  it.each(all)('%s', (_, mistake) => lab.assertFailure(mistake));

  it.each([OnSyncEvent('stripe', '*'), OnSyncChange('stripe', 'customer'), OnSyncAlarm()])(
    'what is no method of an instance fails where it is decorated',
    (decorator) => {
      class Billing {
        static handle() {}
        get handled() {
          return 1;
        }
      }
      const descriptorOf = (of: object, name: string) => Object.getOwnPropertyDescriptor(of, name)!;
      const told = expect.objectContaining({
        code: 'SYNC_INVALID_OPTION',
        message: expect.stringMatching(/handle.* is decorated as a handler and is no method of an instance/),
      });
      const { prototype } = Billing;
      expect(() => decorator(Billing, 'handle', descriptorOf(Billing, 'handle'))).toThrow(told);
      expect(() => decorator(prototype, 'handled', descriptorOf(prototype, 'handled'))).toThrow(told);
      expect(() => decorator(prototype, 'handle', anything(undefined))).toThrow(told);
    },
  );
});
