import fc from 'fast-check';
import type { DueRecord } from '../../lib/dispatch/dispatcher.js';
import { Lanes } from '../../lib/dispatch/lanes.js';

describe('lanes', () => {
  const due = (lane: number, n: number): DueRecord => ({
    recordKey: Buffer.from([lane, n >> 8, n & 255]),
    source: 's',
    connectionId: String(lane),
    resource: 'r',
  });
  const step = fc.oneof(
    fc.record({ do: fc.constant('add' as const), lane: fc.nat(3), n: fc.nat(30) }),
    fc.record({ do: fc.constant('take' as const), eager: fc.boolean() }),
    fc.record({ do: fc.constant('done' as const) }),
  );

  it('hold each record once, give each out once, never run more than there are places, and never stop', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 12 }), fc.array(step, { maxLength: 120 }), (places, steps) => {
        const lanes = new Lanes(places);
        const waiting = new Set<string>();
        const running: DueRecord[] = [];
        const take = (eager = false) => {
          const taken = lanes.take(eager);
          for (const record of taken) expect(waiting.delete(record.recordKey.toString('hex'))).toBe(true);
          running.push(...taken);
          return taken.length;
        };
        for (const next of steps) {
          if (next.do === 'add') {
            waiting.add(due(next.lane, next.n).recordKey.toString('hex'));
            expect(lanes.add(due(next.lane, next.n))).toBe(true);
          } else if (next.do === 'take') take(next.eager);
          else if (running.length > 0) lanes.done(running.shift()!);
          expect(running.length).toBeLessThanOrEqual(places);
          expect([lanes.waiting, lanes.running]).toEqual([waiting.size, running.length]);
        }
        // None waits beside a free place for longer than the dispatcher holds it back, even if none of the others ends.
        while (lanes.holdsBack) expect(take(true)).toBeGreaterThan(0);
        while (waiting.size > 0) {
          if (take(true) > 0) continue;
          expect(running.length).toBeGreaterThan(0);
          lanes.done(running.shift()!);
        }
      }),
    );
  });

  it('wait for company beside free places, and are let go without it', () => {
    const lanes = new Lanes(20);
    for (let n = 0; n < 14; n++) lanes.add(due(0, n));
    expect(lanes.take()).toHaveLength(14);
    for (let n = 14; n < 20; n++) lanes.add(due(0, n));
    expect([lanes.take(), lanes.holdsBack]).toEqual([[], true]);
    expect(lanes.take(true)).toHaveLength(5);
    expect([lanes.take(true), lanes.holdsBack]).toEqual([[], false]);
  });

  it('keep a place for whoever comes, however long one line is', () => {
    const lanes = new Lanes(10);
    for (let n = 0; n < 1_000; n++) lanes.add(due(0, n));
    while (lanes.take().length > 0);
    lanes.add(due(1, 0));
    expect(lanes.take()).toEqual([due(1, 0)]);
  });

  it('know all types that wait for a record, or that they do not know them', () => {
    const lanes = new Lanes(1);
    const types = (from: number, to: number) =>
      Array.from({ length: to - from }, (_, i) => `type.${from + i}`);
    lanes.add({ ...due(0, 0), types: types(0, 30) });
    lanes.add({ ...due(0, 0), types: types(30, 50) });
    expect(lanes.take()).toEqual([{ ...due(0, 0), types: types(0, 50) }]);
    lanes.done(due(0, 0));
    for (let i = 0; i < 1_000; i++) lanes.add({ ...due(0, 0), types: types(i, i + 1) });
    expect(lanes.take()).toEqual([{ ...due(0, 0), types: undefined }]);
  });

  it('are forgotten when they are empty, however many connections there have been', () => {
    const lanes = new Lanes(100);
    for (let lane = 0; lane < 100_000; lane++) {
      lanes.add(due(lane, 0));
      for (const record of lanes.take()) lanes.done(record);
    }
    const maps = Object.values(lanes).filter((value) => value instanceof Map);
    expect(maps.map(({ size }) => size)).toEqual([0]);
  });
});
