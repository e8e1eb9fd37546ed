import type { ApiAnswer } from '../fake-provider/api-request.js';
import { SalesforceApiError } from './api-error.js';
import { clientOf, ok, type ApiParts, type Call, type Route } from './route.js';
import type { Transaction } from './record-store.js';
import type { SalesforceFields } from './stored-record.js';
import { viewOf } from './record-view.js';
import type { SObject } from './schema.js';
import { byExternalId } from './sobjects.js';

const MOST_ROWS = 200;

interface RowResult {
  readonly id?: string;
  readonly success: boolean;
  readonly created?: boolean;
  readonly errors: readonly object[];
}

type Row = SalesforceFields & { readonly attributes?: { readonly type?: string } };

/** Up to 200 records by one call, each with a result of its own. */
export function collectionRoutes({ store, locks, faults }: ApiParts): Route[] {
  const { schema } = store;

  /** All in one transaction; a row that fails is left out of it, or with `allOrNone` takes all with it. */
  const rows = <T>(
    call: Call,
    given: readonly T[],
    allOrNone: boolean,
    work: (transaction: Transaction, row: T) => RowResult,
  ): ApiAnswer => {
    if (given.length > MOST_ROWS)
      throw new SalesforceApiError(
        400,
        'EXCEEDED_ID_LIMIT',
        `record limit reached. cannot submit more than ${MOST_ROWS} records in this call`,
      );
    const transaction = store.begin(clientOf(call));
    const results = given.map((row) => attempted(() => work(transaction, row)));
    const failed = results.some(({ success }) => !success);
    if (!failed || !allOrNone) {
      transaction.commit();
      return ok(results);
    }
    const rolledBack = {
      statusCode: 'ALL_OR_NONE_OPERATION_ROLLED_BACK',
      message:
        'Record rolled back because not all records were valid and the request was using AllOrNone header',
      fields: [],
    };
    return ok(results.map((result) => (result.success ? { success: false, errors: [rolledBack] } : result)));
  };

  const bodyOf = ({ request: { entry } }: Call) => {
    const body = entry.body as { allOrNone?: boolean; records?: Row[] } | null;
    if (!Array.isArray(body?.records))
      throw new SalesforceApiError(400, 'JSON_PARSER_ERROR', 'The records are missing.');
    return { records: body.records, allOrNone: body.allOrNone ?? false };
  };

  const objectOf = ({ attributes }: Row): SObject => {
    if (!attributes?.type)
      throw new SalesforceApiError(400, 'INVALID_TYPE', 'The type of a record is missing.');
    return schema.object(attributes.type);
  };

  const save = (call: Call, work: (transaction: Transaction, row: Row) => RowResult): ApiAnswer => {
    const { records, allOrNone } = bodyOf(call);
    return rows(call, records, allOrNone, work);
  };

  const upsert = (call: Call): ApiAnswer => {
    const [name = '', fieldName = ''] = call.parts;
    const object = schema.inPath(name);
    const field = schema.fieldName(object, fieldName);
    byExternalId([], object, field, null);
    return save(call, (transaction, row) => {
      const { [field]: value, ...others } = row;
      if (value === undefined || value === null || value === '')
        throw new SalesforceApiError(400, 'MISSING_ARGUMENT', `${field} not specified`);
      const found = byExternalId(store.all(object.name), object, field, value);
      if (!found) return { id: transaction.create(object, row).id, success: true, created: true, errors: [] };
      locks.admit(found.id);
      return { id: transaction.update(found.id, others).id, success: true, created: false, errors: [] };
    });
  };

  const read = (call: Call): ApiAnswer => {
    const object = schema.inPath(call.parts[0] ?? '');
    const { query, body } = call.request.entry;
    const asked = (body ?? { ids: query.ids?.split(','), fields: query.fields?.split(',') }) as {
      ids?: string[];
      fields?: string[];
    };
    const fields = (asked.fields ?? ['Id']).map((field) => schema.fieldName(object, field));
    const found = (asked.ids ?? []).map((id) => {
      const record = store.find(id);
      if (!record || record.deleted) return null;
      const seen = faults.takeStaleRead() ? record.previous : record;
      return seen && viewOf(seen, call.version, fields);
    });
    return ok(found);
  };

  return [
    [
      'POST',
      /^\/composite\/sobjects\/?$/,
      (call) =>
        save(call, (transaction, row) => ({
          id: transaction.create(objectOf(row), row).id,
          success: true,
          errors: [],
        })),
    ],
    [
      'PATCH',
      /^\/composite\/sobjects\/?$/,
      (call) =>
        save(call, (transaction, row) => {
          const id = String(row.Id ?? row.id ?? '');
          objectOf(row);
          locks.admit(store.find(id)?.id ?? id);
          const { id: _, ...fields } = row;
          return { id: transaction.update(id, fields).id, success: true, errors: [] };
        }),
    ],
    [
      'DELETE',
      /^\/composite\/sobjects\/?$/,
      (call) => {
        const { ids = '', allOrNone } = call.request.entry.query;
        return rows(call, ids.split(','), allOrNone === 'true', (transaction, id) => {
          locks.admit(store.find(id)?.id ?? id);
          return { id: transaction.remove(id).id, success: true, errors: [] };
        });
      },
    ],
    ['GET', /^\/composite\/sobjects\/([^/]+)\/?$/, read],
    ['POST', /^\/composite\/sobjects\/([^/]+)\/?$/, read],
    ['PATCH', /^\/composite\/sobjects\/([^/]+)\/([^/]+)\/?$/, upsert],
  ];
}

function attempted(work: () => RowResult): RowResult {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof SalesforceApiError)) throw error;
    return { success: false, errors: [error.toRow()] };
  }
}
