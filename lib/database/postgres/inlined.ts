import type { Statement } from '../statement.js';

/**
 * The statement with its values written into it, so that several can travel as one message: the extended protocol
 * carries parameters for one statement at a time only. `standard_conforming_strings` must be on, as is the default.
 */
export function inlined({ sql, params }: Statement): string {
  return sql.replace(/\$(\d+)/g, (_, n: string) => literal(params[Number(n) - 1]));
}

function literal(value: unknown): string {
  if (value === null || value === undefined) return 'NULL';
  if (typeof value === 'number' || typeof value === 'bigint') return String(value);
  if (typeof value === 'boolean') return value ? 'TRUE' : 'FALSE';
  if (Buffer.isBuffer(value)) return `'\\x${value.toString('hex')}'::bytea`;
  if (value instanceof Date) return `'${value.toISOString()}'::timestamptz`;
  if (Array.isArray(value)) return `ARRAY[${value.map(literal).join(', ')}]`;
  if (typeof value === 'string') {
    // PostgreSQL text cannot hold NUL; here it could only come from an error's message.
    const text = value.replaceAll('\0', '').replaceAll("'", "''");
    return text.includes('\\') ? ` E'${text.replaceAll('\\', '\\\\')}'` : `'${text}'`;
  }
  throw new TypeError(`no SQL literal for a ${typeof value}`);
}
