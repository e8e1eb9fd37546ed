/** Milliseconds of a time as the API writes it, `2026-01-31T12:00:00.000+0000`, which is none by the standard; NaN for what is none. */
export function msOf(time: unknown): number {
  return Date.parse(String(time).replace(/\+0000$/, 'Z'));
}
