import fc from 'fast-check';
import { RetryLaterError, UnrecoverableError } from 'nestjs-hybrid-sync';
import { dedupeKeyOf, eventIdPrefix, idempotencyKeyOf, recordKeyOf } from '../../lib/model/keys.js';
import { matchesPattern } from '../../lib/model/pattern.js';
import { failed, newMark, succeeded } from '../../lib/process/mark.transitions.js';
import { deletedState, foundState, isGone, missingReadInMs } from '../../lib/process/record-state.js';
import { workOf } from './ledger-simulation.js';

describe('a pattern of event types', () => {
  const part = fc.string({ unit: fc.constantFrom('a', 'b', '.', '*'), maxLength: 6 });

  it('means what the regular expression means', () => {
    fc.assert(
      fc.property(
        part,
        fc.string({ unit: fc.constantFrom('a', 'b', '.'), maxLength: 8 }),
        (pattern, type) => {
          const source = pattern
            .split('*')
            .map((text) => text.replaceAll('.', '\\.'))
            .join('.*');
          expect(matchesPattern(pattern, type)).toBe(new RegExp(`^${source}$`).test(type));
        },
      ),
      { numRuns: 3_000 },
    );
  });

  it('takes no more time for many stars', () => {
    expect(matchesPattern('*a'.repeat(40) + 'b', 'a'.repeat(20_000))).toBe(false);
  });
});

describe('keys', () => {
  const text = fc.string({ unit: 'binary', maxLength: 6 });
  const record = fc.record({ source: text, connectionId: text, resource: text, id: text });

  it('are equal only for what is equal, to the byte', () => {
    fc.assert(
      fc.property(record, record, text, text, (a, b, x, y) => {
        const same = JSON.stringify(a) === JSON.stringify(b);
        expect(recordKeyOf(a).equals(recordKeyOf(b))).toBe(same);
        expect(dedupeKeyOf(x, a).equals(dedupeKeyOf(y, b))).toBe(same && x === y);
        expect(dedupeKeyOf(x, a).subarray(0, 8).equals(eventIdPrefix(x))).toBe(true);
        expect([recordKeyOf(a).length, dedupeKeyOf(x, a).length]).toEqual([16, 16]);
      }),
    );
  });

  it('do not depend on where one part ends and the next begins, nor on case or a trailing space', () => {
    const of = (source: string, connectionId: string, id = 'x') =>
      recordKeyOf({ source, connectionId, resource: 'r', id }).toString('hex');
    const keys = [
      of('ab', 'c'),
      of('a', 'bc'),
      of('', 'abc'),
      of('a', 'c'),
      of('a', 'c', 'X'),
      of('a', 'c', 'x '),
    ];
    expect(new Set(keys).size).toBe(keys.length);
  });

  it('for others are UUIDs, as different as their parts', () => {
    const parts = fc.array(
      fc.oneof(
        text,
        fc.integer(),
        text.map((t) => Buffer.from(t)),
      ),
      { minLength: 1, maxLength: 4 },
    );
    fc.assert(
      fc.property(parts, (list) => {
        expect(idempotencyKeyOf(...list)).toBe(idempotencyKeyOf(...list));
        expect(idempotencyKeyOf(...list)).toMatch(
          /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
        );
        expect(idempotencyKeyOf(...list)).not.toBe(idempotencyKeyOf(...list, ''));
      }),
    );
  });
});

describe('a mark', () => {
  const odd = fc.oneof(fc.integer({ min: -10, max: 1e9 }), fc.constantFrom(NaN, Infinity, -Infinity, 0, 0.4));
  const conflict = Object.assign(new Error('deadlock'), { code: '40P01' });
  const thrown = fc.oneof(
    fc.constant(new Error('failed')),
    fc.constant(conflict),
    fc.constant(new UnrecoverableError('never')),
    fc.integer({ min: 0, max: 1e9 }).map((afterMs) => new RetryLaterError({ afterMs })),
    fc.constantFrom(null, undefined, 'text', { secret: 'sk_live' }),
  );

  it('that is not dead always has a time that the database can add, whatever was thrown and configured', () => {
    fc.assert(
      fc.property(
        fc.array(thrown, { maxLength: 40 }),
        odd,
        fc.integer({ min: 1, max: 6 }),
        (errors, backoff, maxAttempts) => {
          let mark = newMark('1', 'a');
          for (const [i, error] of errors.entries()) {
            mark = failed(mark, error, i, { maxAttempts, backoffMs: () => backoff });
            expect(mark.error).not.toContain('sk_live');
            expect(mark.failedVersion).toBe(i);
            if (mark.state === 'dead') return expect(mark.dueInMs).toBeNull();
            expect(mark.attempts).toBeLessThan(maxAttempts);
            expect(mark.dueInMs).toBeGreaterThan(0);
            expect(mark.dueInMs).toBeLessThan(1e11);
          }
          return expect(succeeded(mark, 7, false)).toMatchObject({
            state: 'done',
            version: 7,
            attempts: 0,
            conflicts: 0,
            dueInMs: null,
          });
        },
      ),
    );
  });

  it('is dead after just as many failures as the source allows', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }), (maxAttempts) => {
        let [mark, calls] = [newMark('1', 'a'), 0];
        for (; mark.state !== 'dead'; calls++)
          mark = failed(mark, new Error('x'), 1, { maxAttempts, backoffMs: () => 1 });
        expect(calls).toBe(maxAttempts);
        // One more for each new version, and dead again.
        expect(failed(mark, new Error('x'), 2, { maxAttempts: 1_000, backoffMs: () => 1 }).state).toBe(
          'dead',
        );
      }),
    );
  });
});

describe('a record’s state', () => {
  const record = fc
    .record({
      version: fc.nat(3),
      fingerprint: fc.constantFrom(null, 'f', 'g'),
      fingerprintRevision: fc.constantFrom(1, 2),
      deleted: fc.boolean(),
      missingReads: fc.nat(4),
      missingForMs: fc.option(fc.nat(100_000)),
    })
    .map((parts) => workOf({ record: parts }).record);
  const found = fc.record({
    outcome: fc.constant('found' as const),
    data: fc.constant({}),
    fingerprint: fc.constantFrom('f', 'g'),
    revision: fc.constantFrom(1, 2),
  });

  it('has a new version exactly if the content is known to be another', () => {
    fc.assert(
      fc.property(record, found, (before, read) => {
        const after = foundState(before, read);
        const isNew = before.version === 0 || before.deleted || before.fingerprint === null;
        const differs =
          before.fingerprintRevision === read.revision && before.fingerprint !== read.fingerprint;
        expect(after.version - before.version).toBe(isNew || differs ? 1 : 0);
        expect(after).toMatchObject({
          fingerprint: read.fingerprint,
          fingerprintRevision: read.revision,
          deleted: false,
        });
      }),
    );
  });

  it('is deleted once', () => {
    fc.assert(
      fc.property(record, (before) => {
        const after = deletedState(before);
        expect(after.deleted).toBe(true);
        expect(after.version - before.version).toBe(before.deleted ? 0 : 1);
      }),
    );
  });

  it('is not believed to be gone by fewer than three reads, or in less than the while, unless someone says so', () => {
    fc.assert(
      fc.property(
        record,
        fc.boolean(),
        fc.array(fc.record({ deletion: fc.boolean() })),
        (before, stated, triggers) => {
          const said = before.deleted || stated || triggers.some(({ deletion }) => deletion);
          const confirmed = before.missingReads >= 2 && (before.missingForMs ?? 0) >= 60_000;
          expect(isGone(before, { stated }, triggers, 60_000)).toBe(said || confirmed);
          // Whoever has to read again does so in time to be believed, and not at once.
          const inMs = missingReadInMs(before, 60_000);
          expect(inMs).toBeGreaterThanOrEqual(3_000);
          expect(inMs).toBeLessThanOrEqual(60_000);
        },
      ),
    );
  });
});
