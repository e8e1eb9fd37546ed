import { ok, type ApiParts, type Route } from './route.js';
import { isCompound } from './compound-fields.js';
import { scaleOf, type FieldDefinition } from './object-definition.js';
import type { SObject } from './schema.js';

/** What there is: objects, fields, limits. */
export function describeRoutes({ store, limits }: ApiParts): Route[] {
  const { schema } = store;
  return [
    [
      'GET',
      /^\/limits\/?$/,
      () =>
        ok({ DailyApiRequests: { Max: limits.daily, Remaining: Math.max(0, limits.daily - limits.used) } }),
    ],
    [
      'GET',
      /^\/sobjects\/?$/,
      ({ version }) =>
        ok({
          encoding: 'UTF-8',
          maxBatchSize: 200,
          sobjects: schema.all().map((object) => summaryOf(object, version)),
        }),
    ],
    [
      'GET',
      /^\/sobjects\/([^/]+)\/describe\/?$/,
      ({ parts: [name = ''], version }) => {
        const object = schema.inPath(name);
        const fields = Object.entries(object.fields).map(([field, definition]) => fieldOf(field, definition));
        return ok({ ...summaryOf(object, version), fields, childRelationships: [], recordTypeInfos: [] });
      },
    ],
  ];
}

function summaryOf({ name, prefix, label }: SObject, version: string): object {
  return {
    name,
    label,
    keyPrefix: prefix,
    custom: name.endsWith('__c'),
    createable: true,
    deletable: true,
    queryable: true,
    replicateable: true,
    retrieveable: true,
    updateable: true,
    urls: { sobject: `/services/data/${version}/sobjects/${name}` },
  };
}

function fieldOf(name: string, definition: FieldDefinition): object {
  const { type, length, externalId = false, readOnly = false, required = false } = definition;
  return {
    name,
    label: name,
    type,
    length: ['string', 'textarea', 'email', 'phone', 'url', 'picklist', 'id', 'reference'].includes(type)
      ? (length ?? 255)
      : 0,
    scale: scaleOf(definition),
    htmlFormatted: definition.html ?? false,
    custom: name.endsWith('__c'),
    externalId,
    idLookup: externalId || name === 'Id',
    unique: definition.unique ?? externalId,
    caseSensitive: definition.caseSensitive ?? false,
    nillable: !required && type !== 'boolean',
    defaultedOnCreate: type === 'boolean' || name === 'OwnerId',
    createable: !readOnly && !isCompound(definition),
    updateable: !readOnly && !isCompound(definition),
    filterable: !isCompound(definition),
    sortable: type !== 'textarea' && !isCompound(definition),
    compoundFieldName: definition.compound ?? null,
    referenceTo: definition.referenceTo ?? [],
  };
}
