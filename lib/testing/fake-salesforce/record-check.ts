import { longIdOf } from '../../connectors/salesforce/salesforce.record-id.js';
import { SalesforceApiError } from './api-error.js';
import { isCompound } from './compound-fields.js';
import { formatTime, parseTime, secondOf } from './dates.js';
import { scaleOf, type FieldDefinition } from './object-definition.js';
import type { SalesforceFields, StoredRecord } from './stored-record.js';
import { linkOf, type Schema, type SObject } from './schema.js';

/** The fields of a create or an update as they are stored. @throws SalesforceApiError for what the org refuses */
export function checked(
  schema: Schema,
  object: SObject,
  given: SalesforceFields,
  what: 'create' | 'update',
  records: (object: string) => readonly StoredRecord[],
): SalesforceFields {
  const fields: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(given)) {
    if (name === 'attributes' || name === 'Id') continue;
    const link = typeof given[name] === 'object' && given[name] !== null ? linkOf(object, name) : undefined;
    if (link) {
      fields[link.field] = parentId(schema, link.to, given[name] as SalesforceFields, records);
      continue;
    }
    const field = schema.fieldName(object, name);
    const definition = object.fields[field]!;
    if (definition.readOnly || isCompound(definition))
      throw new SalesforceApiError(
        400,
        'INVALID_FIELD_FOR_INSERT_UPDATE',
        `Unable to create/update fields: ${field}. Please check the security settings of this field and verify that it is ` +
          'read/write for your profile or permission set.',
        [field],
      );
    fields[field] = valueOf(field, definition, value);
  }
  const missing = Object.entries(object.fields)
    .filter(
      ([name, { required }]) => required && isEmpty(fields[name]) && (what === 'create' || name in fields),
    )
    .map(([name]) => name);
  if (missing.length > 0)
    throw new SalesforceApiError(
      400,
      'REQUIRED_FIELD_MISSING',
      `Required fields are missing: [${missing.join(', ')}]`,
      missing,
    );
  return fields;
}

/** A parent that is named by its external id: `{ Account__r: { Stripe_Id__c: 'cus_1' } }`. */
function parentId(
  schema: Schema,
  parent: string,
  reference: SalesforceFields,
  records: (object: string) => readonly StoredRecord[],
): string {
  const object = schema.object(parent);
  const [[name, value] = ['', null]] = Object.entries(reference).filter(([key]) => key !== 'attributes');
  const field = schema.fieldName(object, name);
  const definition = object.fields[field]!;
  const found = records(object.name).find(
    ({ deleted, fields }) => !deleted && isSameValue(definition, fields[field], value),
  );
  if (found) return found.id;
  throw new SalesforceApiError(
    400,
    'INVALID_FIELD',
    `Foreign key external ID: ${String(value)} not found for field ${field} in entity ${object.name}`,
  );
}

/** @throws SalesforceApiError `DUPLICATE_VALUE` */
export function checkUnique(
  object: SObject,
  fields: SalesforceFields,
  ownId: string,
  others: () => readonly StoredRecord[],
): void {
  for (const [name, definition] of Object.entries(object.fields)) {
    if (!(definition.unique ?? definition.externalId) || isEmpty(fields[name])) continue;
    const twin = others().find(
      ({ id, deleted, fields: its }) =>
        !deleted && id !== ownId && isSameValue(definition, its[name], fields[name]),
    );
    if (twin)
      throw new SalesforceApiError(
        400,
        'DUPLICATE_VALUE',
        `duplicate value found: ${name} duplicates value on record with id: ${twin.id}`,
        [],
      );
  }
}

/** Whether two values of a unique field are one. */
export function isSameValue({ caseSensitive }: FieldDefinition, a: unknown, b: unknown): boolean {
  if (isEmpty(a) || isEmpty(b)) return false;
  const [left, right] = [String(a), String(b)];
  return caseSensitive ? left === right : left.toLowerCase() === right.toLowerCase();
}

function isEmpty(value: unknown): boolean {
  return value === undefined || value === null || value === '';
}

/** As the org keeps it, which is not always as it was given. */
function valueOf(name: string, definition: FieldDefinition, given: unknown): unknown {
  const { type, length = 255 } = definition;
  const value = typeof given === 'string' ? given.trim() : given;
  if (isEmpty(value)) return type === 'boolean' ? false : null;
  switch (type) {
    case 'boolean':
      if (typeof value !== 'boolean') throw wrongType(name, 'boolean', value);
      return value;
    case 'int':
    case 'double':
    case 'currency':
    case 'percent':
      if (typeof value !== 'number' || !Number.isFinite(value)) throw wrongType(name, type, value);
      return Number(value.toFixed(scaleOf(definition)));
    case 'date':
    case 'datetime': {
      const ms = typeof value === 'string' ? parseTime(value) : NaN;
      if (Number.isNaN(ms)) throw wrongType(name, type, value);
      return type === 'date' ? (value as string).slice(0, 10) : formatTime(secondOf(new Date(ms)));
    }
    case 'reference': {
      const id = longIdOf(value);
      if (id === null)
        throw new SalesforceApiError(
          400,
          'MALFORMED_ID',
          `${name}: id value of incorrect type: ${String(value)}`,
          [name],
        );
      return id;
    }
    case 'address':
    case 'location':
      throw wrongType(name, type, value);
    case 'id':
    case 'string':
    case 'textarea':
    case 'picklist':
    case 'multipicklist':
    case 'email':
    case 'phone':
    case 'url': {
      if (typeof value !== 'string') throw wrongType(name, 'string', value);
      if (value.length > length)
        throw new SalesforceApiError(
          400,
          'STRING_TOO_LONG',
          `${name}: data value too large: ${value.slice(0, 60)} (max length=${length})`,
          [name],
        );
      if (type === 'email' && !/^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(value))
        throw new SalesforceApiError(
          400,
          'INVALID_EMAIL_ADDRESS',
          `${name}: invalid email address: ${value}`,
          [name],
        );
      // In the order of the picklist, and with quotes as entities.
      if (type === 'multipicklist') return value.split(';').sort().join(';');
      return definition.html ? value.replaceAll("'", '&#39;') : value;
    }
  }
}

function wrongType(name: string, type: string, value: unknown): SalesforceApiError {
  return new SalesforceApiError(
    400,
    'JSON_PARSER_ERROR',
    `Cannot deserialize instance of ${type} from ${typeof value} value ${JSON.stringify(value)} at field ${name}`,
  );
}
