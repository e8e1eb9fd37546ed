import fc from 'fast-check';
import { Ledger } from '../../lib/process/ledger.js';
import {
  changeHandler,
  epoch,
  eventHandler,
  pass,
  RecordStore,
  rulesOf,
  waitingEvent,
  workOf,
  type Committed,
} from './ledger-simulation.js';
import { newMark } from '../../lib/process/mark.transitions.js';
import { Standings } from '../../lib/process/standings.js';
import { NO_EVENT, type Mark, type RecordState } from '../../lib/process/work.js';

const alive: RecordState = { version: 1, fingerprint: 'f', fingerprintRevision: 1, deleted: false, data: {} };
const changeMark = (parts: Partial<Mark>): Mark => ({ ...newMark(NO_EVENT, 'copy'), ...parts });

/** The steps of a pass in which everything succeeds. */
function steps(ledger: Ledger): string[] {
  const taken: string[] = [];
  for (let step = ledger.next(); step; step = ledger.next()) {
    taken.push(
      step.kind === 'change'
        ? `${step.handler.name} ${step.change}`
        : `${step.handler.name} ${step.event.id}`,
    );
    ledger.succeed(step);
  }
  return taken;
}

describe('the ledger of a pass', () => {
  const [a, all] = [eventHandler('a', ['a']), eventHandler('all', ['a', 'b'])];
  const copy = changeHandler('copy');

  it('calls change handlers first, then event by event', () => {
    const events = [waitingEvent(1, 1), waitingEvent(2, 2, { type: 'b' }), waitingEvent(3, 3)];
    const rules = rulesOf({ handlers: [a, all], changeHandlers: [copy] });
    expect(steps(new Ledger(workOf({ events }), rules, alive))).toEqual([
      'copy created',
      'a 1',
      'all 1',
      'all 2',
      'a 3',
      'all 3',
    ]);
  });

  it('shows what nobody sent to change handlers only', () => {
    const events = [waitingEvent(1, 1, { payload: null })];
    expect(
      steps(new Ledger(workOf({ events }), rulesOf({ handlers: [a], changeHandlers: [copy] }), alive)),
    ).toEqual(['copy created']);
  });

  it.each<[string, Mark[], Partial<RecordState>, string[]]>([
    ['never saw it', [], {}, ['copy created']],
    ['has seen it', [changeMark({ state: 'done', version: 1 })], {}, []],
    [
      'has seen an older version',
      [changeMark({ state: 'done', version: 1 })],
      { version: 2 },
      ['copy updated'],
    ],
    [
      'has seen it go',
      [changeMark({ state: 'done', version: 1, deleted: true })],
      { version: 2 },
      ['copy created'],
    ],
    [
      'saw it alive, and it is gone',
      [changeMark({ state: 'done', version: 1 })],
      { version: 2, deleted: true },
      ['copy deleted'],
    ],
    ['never saw it, and it is gone', [], { version: 2, deleted: true }, []],
    [
      'failed when it was alive, and it is gone',
      [changeMark({ attempts: 1, failedVersion: 1 })],
      { version: 2, deleted: true },
      [],
    ],
    ['is to be shown it again', [changeMark({ version: -1 })], {}, ['copy updated']],
    ['gave up on this version', [changeMark({ state: 'dead', failedVersion: 1, attempts: 3 })], {}, []],
    [
      'gave up on the version before',
      [changeMark({ state: 'dead', failedVersion: 1, attempts: 3 })],
      { version: 2 },
      ['copy created'],
    ],
    ['is waiting', [changeMark({ attempts: 1, dueInMs: 5 })], {}, []],
    ['has waited', [changeMark({ attempts: 1, dueInMs: -5 })], {}, ['copy created']],
    ['was never fetched', [], { version: 0 }, []],
  ])('a change handler that %s', (_, marks, state, expected) => {
    const work = workOf({ events: [waitingEvent(1, 1)], marks });
    expect(steps(new Ledger(work, rulesOf({ changeHandlers: [copy] }), { ...alive, ...state }))).toEqual(
      expected,
    );
  });

  it('tells the end to a network handler whose attempt may have reached it', () => {
    const network = changeHandler('copy', { transaction: 'none' });
    const ledger = (mark: Mark) =>
      new Ledger(workOf({ marks: [mark] }), rulesOf({ changeHandlers: [network] }), {
        ...alive,
        version: 2,
        deleted: true,
      });
    expect(steps(ledger(changeMark({ attempts: 1, failedVersion: 1 })))).toEqual(['copy deleted']);
    // Put off, or never heard of again.
    expect(steps(ledger(changeMark({ failedVersion: 1 })))).toEqual(['copy deleted']);
    expect(steps(ledger(changeMark({})))).toEqual([]);
  });

  it('gives a change handler that gave up one attempt for each new version', () => {
    const dead = changeMark({ state: 'dead', failedVersion: 1, attempts: 3 });
    const work = workOf({ events: [waitingEvent(1, 1)], marks: [dead] });
    const ledger = new Ledger(work, rulesOf({ changeHandlers: [copy] }), { ...alive, version: 2 });
    ledger.fail(ledger.next()!, new Error('still'));
    expect(ledger.next()).toBeUndefined();
    expect(ledger.settlement().events).toMatchObject([{ state: 'dead', deadBy: ['copy'] }]);
  });

  it.each<[string, Parameters<typeof waitingEvent>[2], string]>([
    ['nobody listens to it', { type: 'x' }, 'no-handler'],
    ['it is from before', { occurredAt: new Date(epoch - 61_000) }, 'before-start'],
  ])('skips an event if %s', (_, parts, reason) => {
    const rules = rulesOf({ handlers: [a], startAt: new Date(epoch) });
    const work = workOf({ events: [waitingEvent(1, 1, parts)] });
    expect(new Standings(work, rules, alive).wantsData).toBe(false);
    expect(new Ledger(work, rules, alive).settlement()).toMatchObject({
      released: true,
      events: [{ state: 'skipped', reason }],
    });
  });

  it('does not ask how old a replayed event is', () => {
    const events = [waitingEvent(1, -1_000_000, { replayed: true })];
    const rules = rulesOf({
      handlers: [eventHandler('a', ['a'], { maxAgeMs: 1 })],
      startAt: new Date(epoch),
    });
    expect(steps(new Ledger(workOf({ events }), rules, alive))).toEqual(['a 1']);
  });

  it('makes marks of events only where something of the event remains', () => {
    const ledger = new Ledger(
      workOf({ events: [waitingEvent(1, 1)] }),
      rulesOf({ handlers: [a, all] }),
      alive,
    );
    ledger.succeed(ledger.next()!);
    const first = ledger.settlement();
    expect(first).toMatchObject({
      marks: [{ eventId: '1', handler: 'a', state: 'done' }],
      folded: [],
      events: [],
      released: false,
    });
    ledger.saved(first);
    ledger.succeed(ledger.next()!);
    const last = ledger.settlement();
    expect(last).toMatchObject({
      marks: [],
      folded: ['1'],
      events: [{ state: 'completed', succeededBy: ['a', 'all'] }],
      released: true,
    });
  });

  it('whatever fails or crashes: each handler once, in order, and nothing is left', () => {
    const handlers = [a, all, eventHandler('b', ['b'])];
    const changeHandlers = [copy, changeHandler('index')];
    const rules = rulesOf({ handlers, changeHandlers, retry: { maxAttempts: 4, backoffMs: (n) => n * 700 } });
    const arrival = fc.record({ at: fc.nat(5), type: fc.constantFrom('a', 'b', 'c'), edit: fc.boolean() });
    const outcome = fc.oneof(
      { weight: 6, arbitrary: fc.constant('succeed' as const) },
      { weight: 3, arbitrary: fc.constant('fail' as const) },
      { weight: 1, arbitrary: fc.constant('crash' as const) },
    );
    const rounds = fc.array(fc.array(arrival, { maxLength: 3 }), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(rounds, fc.infiniteStream(outcome), (arrivals, outcomes) => {
        const store = new RecordStore();
        const committed: Committed[] = [];
        /** The newest event of which anything had been written down before an event came. */
        const newestBefore = new Map<string, number>();
        let [now, version, calls] = [0, 1, 0];
        for (let round = 0; round < arrivals.length || store.waiting.length > 0; round++) {
          const newest = store.newestEventAt?.getTime() ?? -Infinity;
          for (const { at, type, edit } of arrivals[round] ?? []) {
            const event = waitingEvent(store.events.size + 1, at, { type });
            store.arrive(event, now);
            newestBefore.set(event.id, newest);
            version += Number(edit);
          }
          now += 300;
          if (store.waiting.length === 0) continue;
          committed.push(
            ...pass(store, rules, { version, deleted: false }, now, () => {
              calls += 1;
              return calls > 400 ? 'succeed' : outcomes.next().value!;
            }),
          );
          expect(round).toBeLessThan(2_000);
        }
        for (const { event, state, deadBy } of store.events.values()) {
          const listening = rules.eventHandlers(event.type).map(({ name }) => name);
          const times = (name: string) =>
            committed.filter((call) => call.handler === name && call.event?.id === event.id).length;
          for (const name of listening) expect(times(name)).toBe(deadBy.includes(name) ? 0 : 1);
          expect(state).toBe(deadBy.length > 0 ? 'dead' : 'completed');
          // Late is what came after something newer had been handled: no more, no less.
          expect(event.late).toBe(event.occurredAt!.getTime() < newestBefore.get(event.id)!);
        }
        for (const { name } of handlers) {
          let newest = -1;
          for (const { event } of committed.filter((call) => call.handler === name)) {
            if (event!.occurredAt!.getTime() < newest)
              expect(store.events.get(event!.id)!.event.late).toBe(true);
            newest = Math.max(newest, event!.occurredAt!.getTime());
          }
        }
        for (const { name } of changeHandlers) {
          const seen = committed.filter((call) => call.handler === name).map((call) => call.version);
          expect(seen).toEqual([...new Set(seen)].sort((x, y) => x - y));
          const mark = store.markOf(name);
          if (mark && mark.state !== 'dead') expect(mark.version).toBe(store.version);
        }
        // Marks of events are gone with the events.
        expect([...store.marks.values()].filter(({ eventId }) => eventId !== NO_EVENT)).toEqual([]);
      }),
      { numRuns: 400 },
    );
  });
});
