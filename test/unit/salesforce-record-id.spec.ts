import fc from 'fast-check';
import { longIdOf } from '../../lib/connectors/salesforce/salesforce.record-id.js';

describe('the id of a Salesforce record', () => {
  it.each([
    ['0015000000Gv7qJ', '0015000000Gv7qJAAR'],
    ['00D000000000062', '00D000000000062EAA'],
    ['abcdefghijklmno', 'abcdefghijklmnoAAA'],
    ['ABCDEFGHIJKLMNO', 'ABCDEFGHIJKLMNO555'],
  ])('of 15 characters, %s, is %s', (short, long) => {
    expect(longIdOf(short)).toBe(long);
    expect(longIdOf(long)).toBe(long);
  });

  it('differs for ids that differ by case alone, and even where case is lost', () => {
    const char = fc.constantFrom('a', 'A', 'b', 'B', 'z', 'Z', '0', '9');
    const ids = fc.array(char, { minLength: 15, maxLength: 15 }).map((chars) => chars.join(''));
    fc.assert(
      fc.property(ids, ids, (a, b) => {
        const [longA, longB] = [longIdOf(a)!, longIdOf(b)!];
        expect(longA.toLowerCase() === longB.toLowerCase()).toBe(a === b);
      }),
    );
  });

  it.each(['', '001', '0015000000Gv7q-', '0015000000Gv7qJAAX', 5, null])('is not %j', (value) => {
    expect(longIdOf(value)).toBeNull();
  });
});
