import { createHash } from 'node:crypto';

interface HashOptions {
  /** Fields that do not count, in any object at any depth. */
  readonly without: ReadonlySet<string>;
  /** The name of objects in which all fields count. */
  readonly wholeIn?: string;
}

/** SHA-256, in 64 hex digits, of a record's content, whatever the order of its fields: `null` is as good as absent. */
export function hashOf(content: object, options: HashOptions): string {
  return createHash('sha256').update(canonical(content, options)).digest('hex');
}

const NOTHING: ReadonlySet<string> = new Set();

function canonical(value: unknown, options: HashOptions): string {
  if (Array.isArray(value)) return `[${value.map((item) => canonical(item, options)).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const { without, wholeIn } = options;
  const fields = value as Record<string, unknown>;
  const kept = Object.keys(fields).filter((key) => !without.has(key) && fields[key] != null);
  const members = kept.sort().map((key) => {
    const inner = key === wholeIn ? { ...options, without: NOTHING } : options;
    return `${JSON.stringify(key)}:${canonical(fields[key], inner)}`;
  });
  return `{${members.join(',')}}`;
}
