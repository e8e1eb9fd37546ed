const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ012345';

/**
 * A record's id in its form of 18 characters, whose last three tell which letters of the first 15 are capitals: the same
 * record comes with either form, and the one of 15 differs from others by case alone (Salesforce, "ID field type"). `null`
 * for what is no such id.
 */
export function longIdOf(id: unknown): string | null {
  if (typeof id !== 'string' || !/^[0-9A-Za-z]{15}([0-9A-Za-z]{3})?$/.test(id)) return null;
  const short = id.slice(0, 15);
  const suffix = [0, 5, 10].map((start) => LETTERS[capitalsOf(short.slice(start, start + 5))]).join('');
  if (id.length === 18 && id.slice(15).toUpperCase() !== suffix) return null;
  return short + suffix;
}

/** One bit for each letter, the first the lowest. */
function capitalsOf(letters: string): number {
  return letters.split('').reduce((bits, letter, i) => (/[A-Z]/.test(letter) ? bits | (1 << i) : bits), 0);
}
