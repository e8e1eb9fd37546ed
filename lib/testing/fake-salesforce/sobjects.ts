import type { ApiAnswer } from '../fake-provider/api-request.js';
import { SalesforceApiError, notFound } from './api-error.js';
import { clientOf, NO_CONTENT, ok, type ApiParts, type Call, type Route } from './route.js';
import { isSameValue } from './record-check.js';
import { isPlatformEvent, publishEvent } from './streaming/platform-events.js';
import type { Transaction } from './record-store.js';
import type { SalesforceFields, StoredRecord } from './stored-record.js';
import { viewOf } from './record-view.js';
import type { Schema, SObject } from './schema.js';

/** Single records, by id and by external id. */
export function sobjectRoutes({ store, faults, locks, bus }: ApiParts): Route[] {
  const { schema } = store;

  const read = ({ parts: [name = '', id = ''], request, version }: Call): ApiAnswer => {
    const object = schema.inPath(name);
    const record = store.find(id);
    if (!record || record.deleted || record.object !== object) throw notFound();
    const seen = faults.takeStaleRead() ? record.previous : record;
    if (!seen) throw notFound();
    return ok(viewOf(seen, version, asked(schema, object, request.entry.query.fields)));
  };

  const create = (call: Call): ApiAnswer => {
    const object = schema.inPath(call.parts[0] ?? '');
    const fields = fieldsOf(call.request.entry.body);
    const id = isPlatformEvent(object)
      ? publishEvent(store, bus, object, fields)
      : store.change((transaction) => transaction.create(object, fields), clientOf(call)).id;
    return ok({ id, success: true, errors: [] }, 201);
  };

  const write = (call: Call, work: (transaction: Transaction, id: string) => unknown): ApiAnswer => {
    const [name = '', id = ''] = call.parts;
    schema.inPath(name);
    locks.admit(store.find(id)?.id ?? id);
    store.change((transaction) => work(transaction, id), clientOf(call));
    return NO_CONTENT;
  };

  const upsert = (call: Call): ApiAnswer => {
    const [name = '', field = '', value = ''] = call.parts;
    const object = schema.inPath(name);
    const fields = fieldsOf(call.request.entry.body);
    const saved = store.change(
      (transaction) => upserted(transaction, object, field, value, fields),
      clientOf(call),
    );
    return ok(
      { id: saved.record.id, success: true, created: saved.created, errors: [] },
      saved.created ? 201 : 200,
    );
  };

  const upserted = (
    transaction: Transaction,
    object: SObject,
    field: string,
    value: string,
    fields: SalesforceFields,
  ) => {
    const found = byExternalId(store.all(object.name), object, schema.fieldName(object, field), value);
    if (!found) return { record: transaction.create(object, { ...fields, [field]: value }), created: true };
    locks.admit(found.id);
    return { record: transaction.update(found.id, fields), created: false };
  };

  return [
    ['POST', /^\/sobjects\/([^/]+)\/?$/, create],
    ['GET', /^\/sobjects\/([^/]+)\/([^/]+)$/, read],
    [
      'PATCH',
      /^\/sobjects\/([^/]+)\/([^/]+)$/,
      (call) => write(call, (transaction, id) => transaction.update(id, fieldsOf(call.request.entry.body))),
    ],
    [
      'DELETE',
      /^\/sobjects\/([^/]+)\/([^/]+)$/,
      (call) => write(call, (transaction, id) => transaction.remove(id)),
    ],
    ['PATCH', /^\/sobjects\/([^/]+)\/([^/]+)\/(.+)$/, upsert],
    [
      'GET',
      /^\/sobjects\/([^/]+)\/([^/]+)\/(.+)$/,
      ({ parts: [name = '', field = '', value = ''], request, version }) => {
        const object = schema.inPath(name);
        const found = byExternalId(store.all(object.name), object, schema.fieldName(object, field), value);
        if (!found) throw notFound();
        return ok(viewOf(found, version, asked(schema, object, request.entry.query.fields)));
      },
    ],
  ];
}

/**
 * The record with that external id.
 * @throws SalesforceApiError for a field that is no external id
 */
export function byExternalId(
  records: readonly StoredRecord[],
  object: SObject,
  field: string,
  value: unknown,
): StoredRecord | undefined {
  const definition = object.fields[field]!;
  if (!definition.externalId && field !== 'Id')
    throw notFound(`Provided external ID field does not exist or is not accessible: ${field}`);
  return records.find((record) => !record.deleted && isSameValue(definition, record.fields[field], value));
}

/** @throws SalesforceApiError 400 `JSON_PARSER_ERROR` */
export function fieldsOf(body: unknown): SalesforceFields {
  if (typeof body === 'object' && body !== null && !Array.isArray(body)) return body as SalesforceFields;
  throw new SalesforceApiError(400, 'JSON_PARSER_ERROR', 'The HTTP entity body is not an object.');
}

function asked(schema: Schema, object: SObject, fields: string | undefined): string[] {
  return fields
    ? fields.split(',').map((field) => schema.fieldName(object, field))
    : Object.keys(object.fields);
}
