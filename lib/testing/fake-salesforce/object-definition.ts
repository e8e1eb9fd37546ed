/** What a field takes, in Salesforce's words. */
export type FieldType =
  | 'id'
  | 'string'
  | 'textarea'
  | 'picklist'
  | 'multipicklist'
  | 'email'
  | 'phone'
  | 'url'
  | 'boolean'
  | 'int'
  | 'double'
  | 'currency'
  | 'percent'
  | 'date'
  | 'datetime'
  | 'reference'
  /** Made of the fields that name it as their `compound`. */
  | 'address'
  | 'location';

/** A field of an object. */
export interface FieldDefinition {
  readonly type: FieldType;
  /** Characters of a text. @default 255 */
  readonly length?: number;
  /** Digits behind the point that a number is rounded to. @default 0 for `int`, 2 for `currency`, else 18 */
  readonly scale?: number;
  /** Of a `textarea`: rich text, which the org writes in its own way. @default false */
  readonly html?: boolean;
  /** An external id can be upserted by; it is unique. @default false */
  readonly externalId?: boolean;
  /** @default that of `externalId` */
  readonly unique?: boolean;
  /** Whether values that differ by case alone are different ones. @default false */
  readonly caseSensitive?: boolean;
  /** No record without it. @default false */
  readonly required?: boolean;
  /** Set by Salesforce alone. @default false */
  readonly readOnly?: boolean;
  /** Of a reference: to which objects. */
  readonly referenceTo?: readonly string[];
  /** The field that it is a part of: `BillingAddress`, of `BillingStreet`. */
  readonly compound?: string;
}

/** An object: what others call a table. */
export interface ObjectDefinition {
  /** The first three characters of its records' ids. @default 'a00', and onwards with each object of one's own */
  readonly prefix?: string;
  readonly label?: string;
  /** Beside the fields that every object has, `Name` and `OwnerId` among them. */
  readonly fields: Readonly<Record<string, FieldDefinition>>;
}

const SYSTEM: Readonly<Record<string, FieldDefinition>> = {
  Id: { type: 'id', length: 18, readOnly: true },
  IsDeleted: { type: 'boolean', readOnly: true },
  CreatedDate: { type: 'datetime', readOnly: true },
  CreatedById: { type: 'reference', referenceTo: ['User'], readOnly: true },
  LastModifiedDate: { type: 'datetime', readOnly: true },
  LastModifiedById: { type: 'reference', referenceTo: ['User'], readOnly: true },
  SystemModstamp: { type: 'datetime', readOnly: true },
};

const NAMED: Readonly<Record<string, FieldDefinition>> = {
  Name: { type: 'string', length: 80 },
  OwnerId: { type: 'reference', referenceTo: ['User'] },
};

const text = (length = 255): FieldDefinition => ({ type: 'string', length });
const to = (...referenceTo: string[]): FieldDefinition => ({ type: 'reference', referenceTo });
const address = (kind: string): Record<string, FieldDefinition> => {
  const parts: Record<string, FieldDefinition> = {
    Street: { type: 'textarea' },
    City: text(40),
    State: text(80),
    PostalCode: text(20),
    Country: text(80),
    Latitude: { type: 'double' },
    Longitude: { type: 'double' },
    GeocodeAccuracy: { type: 'picklist' },
  };
  const compound = `${kind}Address`;
  const named = Object.entries(parts).map(([part, definition]) => [kind + part, { ...definition, compound }]);
  return { ...Object.fromEntries(named), [compound]: { type: 'address', readOnly: true } };
};
const person: Readonly<Record<string, FieldDefinition>> = {
  Name: { type: 'string', length: 121, readOnly: true },
  FirstName: { type: 'string', length: 40, compound: 'Name' },
  LastName: { type: 'string', length: 80, required: true, compound: 'Name' },
};

/** Those of every org, with the fields that are used most. */
export const STANDARD_OBJECTS: Readonly<Record<string, ObjectDefinition>> = {
  Account: {
    prefix: '001',
    fields: {
      Name: { type: 'string', required: true },
      AccountNumber: text(40),
      Type: { type: 'picklist' },
      Industry: { type: 'picklist' },
      Phone: { type: 'phone', length: 40 },
      Website: { type: 'url' },
      Description: { type: 'textarea', length: 32_000 },
      AnnualRevenue: { type: 'currency' },
      NumberOfEmployees: { type: 'int' },
      ParentId: to('Account'),
      ...address('Billing'),
      ...address('Shipping'),
    },
  },
  Contact: {
    prefix: '003',
    fields: {
      ...person,
      Email: { type: 'email', length: 80 },
      Phone: { type: 'phone', length: 40 },
      Title: text(128),
      AccountId: to('Account'),
      ...address('Mailing'),
    },
  },
  Lead: {
    prefix: '00Q',
    fields: {
      ...person,
      Company: { type: 'string', required: true },
      Email: { type: 'email', length: 80 },
      Status: { type: 'picklist' },
    },
  },
  Opportunity: {
    prefix: '006',
    fields: {
      Name: { type: 'string', length: 120, required: true },
      StageName: { type: 'picklist', required: true },
      CloseDate: { type: 'date', required: true },
      Amount: { type: 'currency' },
      AccountId: to('Account'),
    },
  },
  User: {
    prefix: '005',
    fields: {
      Name: { type: 'string', length: 121 },
      Username: { type: 'string', length: 80 },
      Email: { type: 'email', length: 128 },
      IsActive: { type: 'boolean' },
    },
  },
};

/** All fields of an object, those that every object has first. */
export function allFieldsOf({ fields }: ObjectDefinition): Readonly<Record<string, FieldDefinition>> {
  return { ...SYSTEM, ...NAMED, ...fields };
}

/** Digits behind the point that a number has. */
export function scaleOf({ type, scale }: FieldDefinition): number {
  if (scale !== undefined) return scale;
  if (type === 'currency') return 2;
  return ['double', 'percent'].includes(type) ? 18 : 0;
}
