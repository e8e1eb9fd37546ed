import { SalesforceApiError } from '../api-error.js';
import { linkOf, type Schema, type SObject } from '../schema.js';
import type { SalesforceFields } from '../stored-record.js';

/** How a row says that a field is to be emptied; an empty cell leaves it as it is. */
const EMPTIED = '#N/A';

/** A row as the fields that it writes. @throws SalesforceApiError for columns that there are not, and values that do not fit */
export function fieldsOfRow(
  schema: Schema,
  object: SObject,
  header: readonly string[],
  row: readonly string[],
): SalesforceFields {
  if (row.length !== header.length)
    throw new SalesforceApiError(400, 'INVALID_CSV', 'the row has not as many cells as the header');
  const cells = header.map((column, i) => [column, row[i]!] as const).filter(([, cell]) => cell !== '');
  return Object.fromEntries(
    cells.map(([column, cell]) => {
      const [step = '', field] = column.split('.');
      // A parent, by its external id.
      if (field !== undefined && linkOf(object, step)) return [step, { [field]: cell }];
      const name = schema.fieldName(object, column);
      return [name, cell === EMPTIED ? null : valueOf(object.fields[name]!.type, cell)];
    }),
  );
}

function valueOf(type: string, cell: string): unknown {
  if (type === 'boolean') return /^(true|false)$/i.test(cell) ? cell.toLowerCase() === 'true' : cell;
  if (!['int', 'double', 'currency', 'percent'].includes(type)) return cell;
  const number = Number(cell);
  return Number.isNaN(number) ? cell : number;
}
