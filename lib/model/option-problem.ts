import { isRecord, type OptionKind } from './option-kinds.js';

type Kinds = Readonly<Record<string, OptionKind>>;

/**
 * The first thing that is wrong with options, for a message; null: nothing. What is undefined has been left out, since
 * a host writes `leaseMs: config.leaseMs` where its config may say nothing.
 */
export function optionProblem(options: unknown, kinds: Kinds): string | null {
  if (!isRecord(options)) return `the options must be an object, and are ${shown(options)}`;
  return unknownOption(options, Object.keys(kinds)) ?? wrongValue(options, kinds);
}

/** An option that is not known, which is most often a misspelt one. */
export function unknownOption(options: object, known: readonly string[]): string | null {
  return unknownName('there is no such option', options, known);
}

/** @param problem what it means that a name is not known */
export function unknownName(problem: string, given: object, known: readonly string[]): string | null {
  const unknown = Object.keys(given).find((name) => !known.includes(name));
  if (unknown === undefined) return null;
  const meant = nearest(unknown, known);
  return `${problem}: '${unknown}'. ${meant ? `Did you mean '${meant}'?` : `There are: ${known.join(', ')}.`}`;
}

/** The first option whose value it cannot take. */
export function wrongValue(options: Readonly<Record<string, unknown>>, kinds: Kinds): string | null {
  const found = Object.entries(kinds).find(
    ([name, kind]) => options[name] !== undefined && !kind.fits(options[name]),
  );
  return found ? `${found[0]} must be ${found[1].takes}, and is ${shown(options[found[0]])}` : null;
}

/** Letters that may differ, of so many. */
const SHARE = 1 / 3;
/** Part of a name stands for it: `secrets` for `webhookSecrets`. */
const SHORTEST_PART = 4;

function nearest(word: string, known: readonly string[]): string | undefined {
  const lower = word.toLowerCase();
  const ranked = known
    .map((name) => ({ name, distance: distance(lower, name.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance);
  if (ranked[0] && ranked[0].distance <= Math.max(word.length * SHARE, 1)) return ranked[0].name;
  return ranked.find(({ name }) => word.length >= SHORTEST_PART && name.toLowerCase().includes(lower))?.name;
}

/** Letters to insert, to remove, to replace, or to change with their neighbour. */
function distance(a: string, b: string): number {
  const rows = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const replaced = rows[i - 1]![j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      const changed = a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? rows[i - 2]?.[j - 2] : undefined;
      row.push(Math.min(replaced, rows[i - 1]![j]! + 1, row[j - 1]! + 1, (changed ?? Infinity) + 1));
    }
    rows.push(row);
  }
  return rows[a.length]![b.length]!;
}

const LONGEST_SHOWN = 60;

/** A value in a few words, on one line, and without the password that an URL may have in it. */
export function shown(value: unknown): string {
  if (typeof value === 'string') {
    const safe = value.replaceAll(/\s/g, ' ').replace(/:\/\/.*@/, '://...@');
    return `'${safe.slice(0, LONGEST_SHOWN)}'`;
  }
  if (typeof value === 'function') return 'a function';
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'an invalid Date' : value.toISOString();
  if (Array.isArray(value)) return value.length === 0 ? 'an empty array' : `an array of ${kindsIn(value)}`;
  return typeof value === 'object' && value !== null ? 'an object' : String(value);
}

/** Never what they are: secrets come in lists. */
function kindsIn(values: readonly unknown[]): string {
  return [...new Set(values.map((value) => (value === null ? 'null' : typeof value)))].join(' and ');
}
