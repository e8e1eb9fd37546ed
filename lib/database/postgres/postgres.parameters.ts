/** What the protocol takes for a value: bytes as they are, anything else as text. */
export type PgParameter = string | Buffer | null;

/** A value as the protocol takes it, arrays included. */
export function parameterOf(value: unknown): PgParameter {
  if (Buffer.isBuffer(value)) return value;
  if (Array.isArray(value)) return `{${value.map(elementOf).join(',')}}`;
  return textOf(value);
}

function textOf(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  if (value instanceof Date) return value.toISOString();
  // PostgreSQL text cannot hold NUL; here it could only come from an error's message.
  if (typeof value === 'string') return value.replaceAll('\0', '');
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean')
    return String(value);
  throw new TypeError(`no SQL value for a ${typeof value}`);
}

function elementOf(value: unknown): string {
  const text = Buffer.isBuffer(value) ? `\\x${value.toString('hex')}` : textOf(value);
  return text === null ? 'NULL' : `"${text.replace(/["\\]/g, '\\$&')}"`;
}
