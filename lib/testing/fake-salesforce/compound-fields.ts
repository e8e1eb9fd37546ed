import type { FieldDefinition } from './object-definition.js';
import type { SalesforceFields } from './stored-record.js';
import type { SObject } from './schema.js';

/** Whether a field is made of others: an address, or a place on earth. */
export function isCompound({ type }: FieldDefinition): boolean {
  return type === 'address' || type === 'location';
}

/** The compound fields of a record, as its other fields have them to be; `null` where none of its parts says anything. */
export function compoundsOf({ fields: definitions }: SObject, fields: SalesforceFields): SalesforceFields {
  const compounds = Object.entries(definitions).filter(([, definition]) => isCompound(definition));
  return Object.fromEntries(
    compounds.map(([name]) => {
      const parts = Object.keys(definitions).filter((part) => definitions[part]!.compound === name);
      const values = parts.map((part) => [keyOf(name, part), fields[part] ?? null] as const);
      return [name, values.some(([, value]) => value !== null) ? Object.fromEntries(values) : null];
    }),
  );
}

/** `BillingStreet` is the `street` of `BillingAddress`, and `Place__Latitude__s` the `latitude` of `Place__c`. */
function keyOf(compound: string, part: string): string {
  const own = part.slice(compound.replace(/(Address|c)$/, '').length).replace(/__s$/, '');
  return own.charAt(0).toLowerCase() + own.slice(1);
}
