import { longIdOf } from '../../../connectors/salesforce/salesforce.record-id.js';
import { malformedQuery, noSuchColumn, SalesforceApiError } from '../api-error.js';
import { parseTime } from '../dates.js';
import type { FieldDefinition } from '../object-definition.js';
import type { RecordStore } from '../record-store.js';
import type { StoredRecord } from '../stored-record.js';
import { attributesOf } from '../record-view.js';
import { linkOf, type SObject } from '../schema.js';
import type { Condition, Literal, SoqlQuery } from './soql.parser.js';

/** A field of the queried object, or of a parent of its: `Account.Name`. */
export interface Column {
  readonly name: string;
  readonly definition: FieldDefinition;
  read(record: StoredRecord): unknown;
}

/** Carries one query out over the records of an org. */
export class SoqlEvaluation {
  private readonly object: SObject;

  constructor(
    private readonly store: RecordStore,
    private readonly query: SoqlQuery,
  ) {
    this.object = store.schema.object(query.object);
  }

  get isCount(): boolean {
    return this.query.fields.length === 1 && this.query.fields[0] === 'COUNT()';
  }

  /** @throws SalesforceApiError for fields that there are not, or a comparison that cannot be made */
  matching(withDeleted: boolean): StoredRecord[] {
    const { where, orderBy, limit, offset } = this.query;
    const fits = where ? this.test(where) : () => true;
    const order = orderBy.map(({ field, down, nullsLast }) => ({
      column: this.column(field),
      down,
      nullsLast,
    }));
    const found = this.store
      .all(this.object.name)
      .filter((record) => (withDeleted || !record.deleted) && fits(record));
    if (order.length > 0)
      found.sort((a, b) => {
        for (const { column, down, nullsLast } of order) {
          const difference = compareForOrder(column, a, b, down, nullsLast);
          if (difference !== 0) return difference;
        }
        return 0;
      });
    return found.slice(offset, limit === null ? undefined : offset + limit);
  }

  get objectName(): string {
    return this.object.name;
  }

  /** What is read of each record, in the order in which that was asked for. @throws SalesforceApiError for fields that there are not */
  columns(): Column[] {
    return this.selected().map((field) => this.column(field));
  }

  /** How records are shown. @throws SalesforceApiError for fields that there are not */
  renderer(version: string): (record: StoredRecord) => object {
    const columns = this.columns();
    return (record) => {
      const row: Record<string, unknown> = { attributes: attributesOf(record, version) };
      for (const { name, read } of columns) place(row, name, read(record), record, this.store, version);
      return row;
    };
  }

  private selected(): string[] {
    return this.query.fields.flatMap((field) => {
      if (!field.endsWith(')')) return [field];
      const kind = /^FIELDS\((ALL|STANDARD|CUSTOM)\)$/.exec(field)?.[1];
      if (!kind) throw malformedQuery(`unexpected function: '${field}'`);
      if (kind !== 'STANDARD' && (this.query.limit ?? Infinity) > 200)
        throw malformedQuery('The SOQL FIELDS function must have a LIMIT of at most 200');
      return Object.keys(this.object.fields).filter(
        (name) => kind === 'ALL' || name.endsWith('__c') === (kind === 'CUSTOM'),
      );
    });
  }

  private column(path: string): Column {
    const steps = path.split('.');
    const last = steps.pop()!;
    let { object } = this;
    const links: string[] = [];
    for (const step of steps) {
      const link = linkOf(object, step);
      if (!link) throw noSuchColumn(object.name, path);
      links.push(link.field);
      object = this.store.schema.object(link.to);
    }
    const name = this.store.schema.fieldName(object, last);
    const read = (record: StoredRecord): unknown => {
      let current: StoredRecord | undefined = record;
      for (const link of links) current = current && this.store.find(String(current.fields[link] ?? ''));
      return current?.fields[name] ?? null;
    };
    return { name: [...steps, name].join('.'), definition: object.fields[name]!, read };
  }

  private test(condition: Condition): (record: StoredRecord) => boolean {
    if (condition.kind === 'not') {
      const inner = this.test(condition.part);
      return (record) => !inner(record);
    }
    if (condition.kind === 'compare') return this.comparison(condition);
    const parts = condition.parts.map((part) => this.test(part));
    return condition.kind === 'and'
      ? (record) => parts.every((part) => part(record))
      : (record) => parts.some((part) => part(record));
  }

  private comparison({
    field,
    operator,
    values,
  }: Condition & { kind: 'compare' }): (record: StoredRecord) => boolean {
    const { read, name, definition } = this.column(field);
    const wanted = values.map((value) => comparable(name, definition, value));
    const own = (record: StoredRecord) => stored(definition, read(record));
    switch (operator) {
      case 'IN':
      case 'NOT IN': {
        const set = new Set(wanted);
        return (record) => set.has(own(record)) === (operator === 'IN');
      }
      case 'LIKE': {
        const pattern = likePattern(String(wanted[0]));
        return (record) => pattern.test(String(own(record) ?? ''));
      }
      case '=':
        return (record) => own(record) === wanted[0];
      case '!=':
        return (record) => own(record) !== wanted[0];
      case '<':
      case '<=':
      case '>':
      case '>=':
        return (record) => isOrdered(own(record), operator, wanted[0]!);
    }
  }
}

type Comparable = string | number | boolean | null;

function place(
  row: Record<string, unknown>,
  path: string,
  value: unknown,
  record: StoredRecord,
  store: RecordStore,
  version: string,
): void {
  const dot = path.indexOf('.');
  if (dot === -1) {
    row[path] = value ?? null;
    return;
  }
  const [step, rest] = [path.slice(0, dot), path.slice(dot + 1)];
  const link = linkOf(record.object, step)!;
  const parent = store.find(String(record.fields[link.field] ?? ''));
  if (!parent) {
    row[step] = null;
    return;
  }
  const inner = (row[step] ??= { attributes: attributesOf(parent, version) }) as Record<string, unknown>;
  place(inner, rest, value, parent, store, version);
}

/** Text is compared whatever its case, ids in their long form, times as milliseconds. */
function comparable(name: string, { type }: FieldDefinition, literal: Literal): Comparable {
  if (literal.kind === 'null') return null;
  const isTime = type === 'datetime' || type === 'date';
  if (isTime !== (literal.kind === 'time')) throw wrongLiteral(name, type);
  if (literal.kind === 'time') {
    const ms = parseTime(literal.value);
    if (Number.isNaN(ms) || (type === 'datetime') !== literal.value.includes('T'))
      throw wrongLiteral(name, type);
    return ms;
  }
  const isNumber = ['int', 'double', 'currency', 'percent'].includes(type);
  if (isNumber !== (literal.kind === 'number') || (type === 'boolean') !== (literal.kind === 'boolean'))
    throw wrongLiteral(name, type);
  if (type !== 'id' && type !== 'reference')
    return literal.kind === 'text' ? literal.value.toLowerCase() : literal.value;
  const id = longIdOf(literal.value);
  if (id === null && literal.value !== '')
    throw new SalesforceApiError(
      400,
      'INVALID_QUERY_FILTER_OPERATOR',
      `invalid ID field: ${String(literal.value)}`,
    );
  return id;
}

function stored({ type }: FieldDefinition, value: unknown): Comparable {
  if (value === null || value === undefined) return null;
  if (type === 'datetime' || type === 'date') return parseTime(String(value));
  if (typeof value !== 'string') return value as Comparable;
  return type === 'id' || type === 'reference' ? value : value.toLowerCase();
}

function isOrdered(a: Comparable, operator: string, b: Comparable): boolean {
  if (a === null || b === null) return false;
  if (operator === '<') return a < b;
  if (operator === '<=') return a <= b;
  return operator === '>' ? a > b : a >= b;
}

function compareForOrder(
  { definition, read }: Column,
  a: StoredRecord,
  b: StoredRecord,
  down: boolean,
  nullsLast: boolean,
): number {
  const [left, right] = [stored(definition, read(a)), stored(definition, read(b))];
  if (left === right) return 0;
  if (left === null) return nullsLast ? 1 : -1;
  if (right === null) return nullsLast ? -1 : 1;
  return left < right === down ? 1 : -1;
}

function likePattern(like: string): RegExp {
  const source = like
    .split(/([%_])/)
    .map((part) =>
      part === '%' ? '.*' : part === '_' ? '.' : part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'),
    )
    .join('');
  return new RegExp(`^${source}$`, 'is');
}

function wrongLiteral(field: string, type: string): SalesforceApiError {
  return new SalesforceApiError(
    400,
    'INVALID_FIELD',
    `value of filter criterion for field '${field}' must be of type ${type} and should ${type === 'datetime' || type === 'date' ? 'not ' : ''}be enclosed in quotes`,
  );
}
