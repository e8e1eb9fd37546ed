import { noSuchColumn, noSuchObject, notFound } from './api-error.js';
import {
  allFieldsOf,
  STANDARD_OBJECTS,
  type FieldDefinition,
  type ObjectDefinition,
} from './object-definition.js';

/** An object as the org knows it. */
export interface SObject {
  readonly name: string;
  readonly prefix: string;
  readonly label: string;
  readonly fields: Readonly<Record<string, FieldDefinition>>;
}

/** The objects of an org. Names of objects and fields are found whatever their case, as Salesforce does. */
export class Schema {
  private readonly objects = new Map<string, SObject>();
  private ownObjects = 0;

  constructor() {
    for (const [name, definition] of Object.entries(STANDARD_OBJECTS)) this.define(name, definition);
  }

  /** Adds an object, or more fields to one that is there. */
  define(name: string, definition: ObjectDefinition): void {
    const known = this.objects.get(name.toLowerCase());
    const prefix = definition.prefix ?? known?.prefix ?? this.nextPrefix();
    this.objects.set(name.toLowerCase(), {
      name: known?.name ?? name,
      prefix,
      label: definition.label ?? known?.label ?? name.replace(/__c$/, ''),
      fields: { ...known?.fields, ...(known ? definition.fields : allFieldsOf(definition)) },
    });
  }

  all(): SObject[] {
    return [...this.objects.values()];
  }

  /** @throws SalesforceApiError 400 `INVALID_TYPE` */
  object(name: string): SObject {
    const found = this.objects.get(name.toLowerCase());
    if (!found) throw noSuchObject(name);
    return found;
  }

  /** One that is named in a path. @throws SalesforceApiError 404 */
  inPath(name: string): SObject {
    const found = this.objects.get(name.toLowerCase());
    if (!found) throw notFound();
    return found;
  }

  /** By the id of one of its records. */
  objectOfId(id: string): SObject | undefined {
    return this.all().find(({ prefix }) => id.startsWith(prefix));
  }

  /** The name of a field, in the case that it has. @throws SalesforceApiError 400 `INVALID_FIELD` */
  fieldName(object: SObject, name: string): string {
    if (Object.hasOwn(object.fields, name)) return name;
    const lower = name.toLowerCase();
    const found = Object.keys(object.fields).find((field) => field.toLowerCase() === lower);
    if (!found) throw noSuchColumn(object.name, name);
    return found;
  }

  private nextPrefix(): string {
    const number = this.ownObjects++;
    return `a${number.toString(36).padStart(2, '0')}`;
  }
}

/** The reference that is meant by the name of a relation: `Parent` is `ParentId`, and `Account__r` is `Account__c`. */
export function linkOf(object: SObject, step: string): { field: string; to: string } | undefined {
  const wanted = step.replace(/__r$/i, '__c').toLowerCase();
  for (const [field, { referenceTo }] of Object.entries(object.fields)) {
    const isMeant = field.toLowerCase() === wanted || field.toLowerCase() === `${wanted}id`;
    if (isMeant && referenceTo?.[0]) return { field, to: referenceTo[0] };
  }
  return undefined;
}
