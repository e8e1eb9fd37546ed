import fc from 'fast-check';

const doing = <Name extends string>(name: Name) => fc.record({ do: fc.constant(name) });

/** What goes wrong between an application and its sources, in which time goes by, and what is done about it. */
export function happening(sources: readonly string[]) {
  const source = fc.constantFrom(...sources);
  const at = <Name extends string>(name: Name) => fc.record({ do: fc.constant(name), source });
  const switched = <Name extends string>(name: Name) =>
    fc.record({ do: fc.constant(name), source, on: fc.boolean() });
  return fc.oneof(
    {
      weight: 2,
      arbitrary: fc.record({ do: fc.constant('fail' as const), times: fc.integer({ min: 1, max: 4 }) }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        do: fc.constant('limit' as const),
        source,
        calls: fc.integer({ min: 1, max: 3 }),
      }),
    },
    { weight: 1, arbitrary: switched('outage') },
    { weight: 1, arbitrary: switched('drop') },
    { weight: 1, arbitrary: switched('pause') },
    { weight: 4, arbitrary: doing('time passes') },
    { weight: 1, arbitrary: doing('expire') },
    { weight: 1, arbitrary: doing('steal') },
    { weight: 1, arbitrary: doing('kill') },
    { weight: 2, arbitrary: at('poll') },
    { weight: 1, arbitrary: at('backfill') },
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constant('slow listing' as const),
        source,
        steps: fc.integer({ min: 2, max: 8 }),
      }),
    },
    { weight: 1, arbitrary: doing('other process') },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('rest' as const), ms: fc.nat(15) }) },
  );
}

export type Happening = ReturnType<typeof happening> extends fc.Arbitrary<infer Value> ? Value : never;

const NAMES: Readonly<Record<Happening['do'], true>> = {
  fail: true,
  limit: true,
  outage: true,
  drop: true,
  pause: true,
  'time passes': true,
  expire: true,
  steal: true,
  kill: true,
  poll: true,
  backfill: true,
  'slow listing': true,
  'other process': true,
  rest: true,
};

export function isHappening(step: { readonly do: string }): step is Happening {
  return step.do in NAMES;
}

/** What all happenings weigh together, beside what else happens. */
export const HAPPENINGS = 23;
