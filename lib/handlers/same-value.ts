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
