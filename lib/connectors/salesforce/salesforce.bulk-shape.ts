import { ProviderError } from '../../sync.errors.js';
import type { CsvLine, DescribedField, DescribedObject } from './salesforce.client.js';
import { namesOf } from './salesforce.soql.js';

/** What a query job asks of an object, and how its lines are read. */
export interface BulkShape {
  /** Names of fields, none of them compound: jobs refuse those. */
  readonly columns: readonly string[];
  /** A line as a single read would give the record. */
  dataOf(line: CsvLine): object;
}

const asText = (cell: string) => cell;
const asNumber = (cell: string) => {
  const number = Number(cell);
  if (Number.isNaN(number))
    throw new ProviderError('rejected', 'Salesforce: a query job gives no number for one');
  return number;
};
const asBoolean = (cell: string) => cell === 'true';

/** REST and jobs write times in different forms. */
const asTime = (cell: string) => cell.replace(/Z$/, '+0000');

/** How a cell that is not empty is read, by the field's type. */
const READERS: Readonly<Record<string, (cell: string) => unknown>> = {
  boolean: asBoolean,
  combobox: asText,
  currency: asNumber,
  date: asText,
  datetime: asTime,
  double: asNumber,
  email: asText,
  encryptedstring: asText,
  id: asText,
  int: asNumber,
  long: asNumber,
  multipicklist: asText,
  percent: asNumber,
  phone: asText,
  picklist: asText,
  reference: asText,
  string: asText,
  textarea: asText,
  time: asText,
  url: asText,
};

const COMPOUND_TYPES: ReadonlySet<string> = new Set(['address', 'location']);

interface Compound {
  readonly name: string;
  /** By the key that it has in there. */
  readonly parts: readonly (readonly [key: string, field: DescribedField])[];
}

/**
 * `null` for what a job does not give as a single read would: files, fields of parents, addresses that are an org's own.
 * @param fields undefined: all
 */
export function bulkShapeOf(
  { fields: described }: DescribedObject,
  fields: readonly string[] | undefined,
): BulkShape | null {
  const wanted = fields ? chosen(described, namesOf(fields)) : described;
  if (!wanted) return null;
  const compounds = wanted
    .filter(({ type }) => COMPOUND_TYPES.has(type))
    .map((field) => compoundOf(field, described));
  if (compounds.includes(null)) return null;
  const simple = wanted.filter(({ type }) => !COMPOUND_TYPES.has(type));
  const parts = compounds.flatMap((compound) => compound!.parts.map(([, field]) => field));
  const read = new Set([...simple, ...parts]);
  if ([...read].some(({ type }) => !Object.hasOwn(READERS, type))) return null;
  return {
    columns: [...read].map(({ name }) => name),
    dataOf: (line) => ({
      ...Object.fromEntries(simple.map((field) => [field.name, valueOf(field, line)])),
      ...Object.fromEntries(compounds.map((compound) => [compound!.name, wholeOf(compound!, line)])),
    }),
  };
}

function chosen(
  described: readonly DescribedField[],
  names: readonly string[],
): readonly DescribedField[] | null {
  const byName = new Map(described.map((field) => [field.name.toLowerCase(), field]));
  const found = names.map((name) => byName.get(name.toLowerCase()));
  return found.some((field) => field === undefined) ? null : [...new Set(found as DescribedField[])];
}

/** `BillingStreet` is the `street` of `BillingAddress`, and `Place__Latitude__s` the `latitude` of `Place__c`. */
function compoundOf({ name, type }: DescribedField, described: readonly DescribedField[]): Compound | null {
  const prefix = type === 'address' ? beginOf(name, 'Address') : beginOf(name, 'c');
  if (prefix === null) return null;
  const parts = described
    .filter(({ compoundFieldName }) => compoundFieldName === name)
    .map((field) => [keyOf(field.name.slice(prefix.length).replace(/__s$/, '')), field] as const);
  return parts.length === 0 ? null : { name, parts };
}

function beginOf(name: string, end: string): string | null {
  return name.endsWith(end) ? name.slice(0, -end.length) : null;
}

function keyOf(part: string): string {
  return part.charAt(0).toLowerCase() + part.slice(1);
}

/** Null where all parts are empty, as a single read has it. */
function wholeOf({ parts }: Compound, line: CsvLine): object | null {
  const values = parts.map(([key, field]) => [key, valueOf(field, line)] as const);
  return values.some(([, value]) => value !== null) ? Object.fromEntries(values) : null;
}

function valueOf({ name, type }: DescribedField, line: CsvLine): unknown {
  const cell = line[name]!;
  return cell === '' ? null : READERS[type]!(cell);
}
