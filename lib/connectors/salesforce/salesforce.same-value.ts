import type { DescribedField } from './salesforce.client.js';
import { longIdOf } from './salesforce.record-id.js';

/** What an org gives back in another way than it was given, so that nobody can compare it. */
const UNLIKE_WRITTEN: ReadonlySet<string> = new Set(['base64', 'encryptedstring']);

/**
 * Whether a field of that kind holds what it holds after `wanted` was written to it: an org trims text, rounds numbers, forgets
 * milliseconds, and has its own order of what is picked.
 * @param field undefined: one that is not known, told by what it holds
 */
export function isSameInField(field: DescribedField | undefined, found: unknown, wanted: unknown): boolean {
  if (field && (field.htmlFormatted || UNLIKE_WRITTEN.has(field.type))) return true;
  if (isObject(wanted)) return isSameParent(found, wanted);
  const { type, scale } = field ?? { type: kindOf(found), scale: undefined };
  return heldIn(type, scale, found) === heldIn(type, scale, wanted);
}

/** A parent that is named by its external id: which, whatever the case, is the same one to the org. */
function isSameParent(found: unknown, wanted: Readonly<Record<string, unknown>>): boolean {
  const fields = isObject(found) ? found : {};
  return Object.entries(wanted)
    .filter(([name]) => name !== 'attributes')
    .every(([name, value]) => lowerCase(fields[name]) === lowerCase(value));
}

function lowerCase(value: unknown): string {
  return textOf(value).trim().toLowerCase();
}

function heldIn(type: string, scale: number | undefined, given: unknown): string | number | null {
  const text = textOf(given).trim();
  if (type === 'boolean') return text || 'false';
  if (text === '') return null;
  switch (type) {
    case 'int':
    case 'double':
    case 'currency':
    case 'percent':
      return scale === undefined ? Number(text) : Number(text).toFixed(scale);
    case 'date':
      return text.slice(0, 10);
    case 'datetime':
      // Without the colon in its offset it is no time by the standard.
      return Math.floor(Date.parse(text.replace(/([+-]\d\d)(\d\d)$/, '$1:$2')) / 1000);
    case 'id':
    case 'reference':
      return longIdOf(text) ?? text;
    case 'multipicklist':
      return text.split(';').sort().join(';');
    default:
      return text.replaceAll('\r\n', '\n');
  }
}

/** As it goes to the org. */
function textOf(value: unknown): string {
  if (value instanceof Date) return value.toISOString();
  return typeof value === 'string' ? value : value == null ? '' : JSON.stringify(value);
}

function kindOf(found: unknown): string {
  if (typeof found === 'number') return 'double';
  if (typeof found === 'boolean') return 'boolean';
  return /^\d{4}-\d\d-\d\dT[\d:.]+\+0000$/.test(textOf(found)) ? 'datetime' : 'string';
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !(value instanceof Date);
}
