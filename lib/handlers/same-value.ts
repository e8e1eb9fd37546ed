import type { EntityMetadata } from 'typeorm';

/** A column as TypeORM knows it. */
export type Column = EntityMetadata['columns'][number];

/** Whether a column would hold the two as one value: it pads, rounds and rewrites what it is given. */
export function isSameInColumn(column: Column | undefined, found: unknown, wanted: unknown): boolean {
  const stored = (value: unknown) => storedIn(column, value);
  return isSameValue(stored(found), stored(wanted));
}

function storedIn(column: Column | undefined, value: unknown): unknown {
  const transformed = [column?.transformer ?? []]
    .flat()
    .reduce((now, each) => each.to(now) as unknown, value);
  if (typeof transformed !== 'string') return transformed;
  const type = String(column?.type);
  if (/^(numeric|decimal|dec)$/.test(type)) return decimalOf(transformed, column?.scale);
  if (/^(char|character|nchar)$/.test(type)) return transformed.trimEnd();
  if (type === 'uuid') return transformed.toLowerCase();
  if (/^time(tz| with(out)? time zone)?$/.test(type))
    return /^\d{1,2}:\d{2}$/.test(transformed) ? `${transformed}:00` : transformed.replace(/\.0+$/, '');
  return transformed;
}

/** Without zeros that say nothing. What has more digits than a number holds is rounded on both sides alike. */
function decimalOf(text: string, scale: number | undefined): string {
  const value = Number(text);
  if (!Number.isFinite(value) || text.trim() === '') return text;
  if (Math.abs(value) < 1e15) return scale === undefined ? String(value) : value.toFixed(scale);
  return text.replace(/\.0+$/, '');
}

/** Whether two values are one: drivers give a decimal, a date or a flag back as something else than what was written. */
export function isSameValue(found: unknown, wanted: unknown): boolean {
  if (found === wanted || (found ?? null) === (wanted ?? null)) return true;
  if (found instanceof Date || wanted instanceof Date) return timeOf(found) === timeOf(wanted);
  if (typeof found === 'object' && typeof wanted === 'object') return textOf(found) === textOf(wanted);
  if (typeof found === 'number' || typeof wanted === 'number' || typeof wanted === 'boolean')
    return Number(found) === Number(wanted);
  return String(found) === String(wanted);
}

function timeOf(value: unknown): number {
  return value instanceof Date ? value.getTime() : new Date(value as string).getTime();
}

/** Whatever the order of its keys. */
function textOf(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}
