/** As the API writes times: `2026-01-31T12:00:00.000+0000`. */
export function formatTime(ms: number): string {
  return new Date(ms).toISOString().replace('Z', '+0000');
}

/** Milliseconds of a time or a date as the API takes it; NaN for what is none. */
export function parseTime(text: string): number {
  if (!/^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?$/.test(text)) return NaN;
  return Date.parse(text.replace(/([+-]\d\d)(\d\d)$/, '$1:$2'));
}

/** Stamps are of whole seconds. */
export function secondOf(date: Date): number {
  return Math.floor(date.getTime() / 1000) * 1000;
}
