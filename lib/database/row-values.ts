/** Drivers give out the same column as different things: here they become one. */

export function timeIn(value: unknown): Date | null {
  if (value === null || value === undefined) return null;
  return value instanceof Date ? value : new Date(Number(value));
}

export function numberIn(value: unknown): number {
  return Number(value);
}

export function optionalNumberIn(value: unknown): number | null {
  return value === null || value === undefined ? null : Number(value);
}

export function flagIn(value: unknown): boolean {
  return value === true || Number(value) === 1;
}

export function optionalFlagIn(value: unknown): boolean | null {
  return value === null || value === undefined ? null : flagIn(value);
}
