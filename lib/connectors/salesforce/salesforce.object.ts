import type { Connector } from '../../model/connector.js';
import { isRecord } from '../../model/option-kinds.js';
import { unknownOption } from '../../model/option-problem.js';
import { DEFAULT_CONNECTION } from '../../model/record.js';
import type { Target, TargetContext, TargetRow } from '../../model/target.js';
import { ProviderError, RetryLaterError, UnrecoverableError } from '../../sync.errors.js';
import type { DescribedObject, SalesforceClient } from './salesforce.client.js';
import { SalesforceConnector } from './salesforce.connector.js';
import { externalIdProblem, fieldsProblem } from './salesforce.inspection.js';
import { rowProblem } from './salesforce.row-problem.js';
import { readRows } from './salesforce.rows.js';
import { isSameInField } from './salesforce.same-value.js';
import { MOST_WHOLE_RECORDS, quoted } from './salesforce.soql.js';

/** Where rows of an object are written, and what they are known by there. */
export interface SalesforceObjectTargetOptions {
  /** The API name of the external id field that holds the row's id; unique, and case-sensitive where ids are. */
  externalId: string;
  /** The source's connection. @default 'default' */
  connectionId?: string;
  /**
   * Fields by their API names that the org writes over by itself, with a flow or a trigger: reconciliations do not compare them,
   * and would write them again each time otherwise.
   * @default none
   */
  notCompared?: readonly string[];
}

/** A row's fields, by their API names. A parent by its external id: `{ Account__r: { Stripe_Id__c: 'cus_1' } }`. */
export type SalesforceFieldValues = Record<string, unknown>;

/** As many rows as one call writes (REST API, "sObject Collections"). */
const MOST_ROWS = 200;

/** A row that someone else is at is tried again soon, as often as it takes. */
const LOCKED_MS = 1_000;

const LOCKED: ReadonlySet<string> = new Set([
  'UNABLE_TO_LOCK_ROW',
  'REQUEST_RUNNING_TOO_LONG',
  'SERVER_UNAVAILABLE',
]);

/** Wrong for good. What may be put right there meanwhile, a parent that is missing say, is tried again. */
const INVALID: ReadonlySet<string> = new Set([
  'FIELD_CUSTOM_VALIDATION_EXCEPTION',
  'INVALID_EMAIL_ADDRESS',
  'INVALID_FIELD_FOR_INSERT_UPDATE',
  'INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST',
  'INVALID_TYPE_ON_FIELD_IN_RECORD',
  'JSON_PARSER_ERROR',
  'NUMBER_OUTSIDE_VALID_RANGE',
  'REQUIRED_FIELD_MISSING',
  'STRING_TOO_LONG',
]);

/**
 * An object of a Salesforce source, to write to: `mirror('stripe', 'invoice', { to: salesforceObject('crm', 'Invoice__c', {
 * externalId: 'Stripe_Id__c' }), map })`. Rows are upserted by their external id, up to 200 by one call, so that writing one twice is
 * as good as once. Each has a result of its own: one that a validation refuses is dead, one that someone else is at is tried again
 * a second later. Reconciliations read them, up to 200 by one query, and find those that someone has changed or deleted there; rich
 * text, files and encrypted text are not compared.
 *
 * @param source the name of a Salesforce source of the application
 * @param object its API name; it need not be one of the source's `objects`
 */
export function salesforceObject(
  source: string,
  object: string,
  options: SalesforceObjectTargetOptions,
): Target<SalesforceFieldValues> {
  return new SalesforceObjectTarget(source, object, isRecord(options) ? options : { externalId: '' });
}

const OPTION_NAMES = ['externalId', 'connectionId', 'notCompared'];

class SalesforceObjectTarget implements Target<SalesforceFieldValues> {
  readonly name: string;
  readonly mostRows = MOST_ROWS;
  /** As the org has said at boot, or when rows were first read. */
  private described?: DescribedObject;

  private readonly externalId: string;
  readonly connectionId: string;
  private readonly notCompared: readonly string[];

  constructor(
    readonly source: string,
    private readonly object: string,
    private readonly options: SalesforceObjectTargetOptions,
  ) {
    const { externalId, connectionId = DEFAULT_CONNECTION, notCompared = [] } = options;
    this.name = `${source}.${object}`;
    this.externalId = externalId;
    this.connectionId = connectionId;
    this.notCompared = notCompared;
  }

  problem(connector: Connector | undefined): string | null {
    const unknown = unknownOption(this.options, OPTION_NAMES);
    if (unknown) return `salesforceObject(): ${unknown}`;
    if (!this.externalId)
      return 'salesforceObject(): externalId is missing: the API name of the field that rows are known by';
    if (!(connector instanceof SalesforceConnector)) return `'${this.source}' is no Salesforce source`;
    if (![DEFAULT_CONNECTION, ...connector.connections].includes(this.connectionId))
      return `'${this.source}' has no connection '${this.connectionId}'`;
    if (!Array.isArray(this.notCompared)) return 'notCompared must be an array of API names of fields';
    const wrong = [this.object, this.externalId, ...this.notCompared].find(
      (name) => !/^[A-Za-z]\w*$/.test(name),
    );
    return wrong === undefined ? null : `'${wrong}' is no API name of Salesforce's`;
  }

  async inspect(context: TargetContext): Promise<string | null> {
    const described = await this.clientOf(context).describe(this.object, context);
    this.described = described ?? undefined;
    return (
      externalIdProblem(described, this.object, this.externalId) ??
      fieldsProblem(described, this.object, this.notCompared)
    );
  }

  async read(
    rows: readonly TargetRow<SalesforceFieldValues>[],
    context: TargetContext,
  ): Promise<(object | null)[]> {
    const { object, externalId } = this;
    const client = this.clientOf(context);
    this.described ??= (await client.describe(object, context)) ?? undefined;
    if (!this.described) throw new ProviderError('rejected', `Salesforce: there is no object ${object}`);
    return readRows(client, { object, externalId, described: this.described }, rows, context);
  }

  isSame(found: unknown, wanted: unknown, name: string): boolean {
    const isMeant = (other: string) => other.toLowerCase() === name.toLowerCase();
    // The row was found by it.
    if ([this.externalId, 'attributes', ...this.notCompared].some(isMeant)) return true;
    return isSameInField(
      this.described?.fields.find((field) => isMeant(field.name)),
      found,
      wanted,
    );
  }

  async write(
    rows: readonly TargetRow<SalesforceFieldValues>[],
    context: TargetContext,
  ): Promise<(Error | null)[]> {
    const client = this.clientOf(context);
    const results = new Map<TargetRow, Error | null>();
    for (const row of rows) results.set(row, rowProblem(row, this.object));
    const good = rows.filter((row) => results.get(row) === null);
    const saved = good.filter(({ row }) => row !== null);
    const removed = good.filter(({ row }) => row === null);
    const note = (of: readonly TargetRow[], written: readonly (Error | null)[]) =>
      of.forEach((row, i) => results.set(row, written[i] ?? null));
    if (saved.length > 0) note(saved, await this.upsert(client, saved, context));
    if (removed.length > 0) note(removed, await this.remove(client, removed, context));
    return rows.map((row) => results.get(row) ?? null);
  }

  private clientOf({ connector }: TargetContext): SalesforceClient {
    return (connector as SalesforceConnector).clientOf(this.connectionId);
  }

  private async upsert(
    client: SalesforceClient,
    rows: readonly TargetRow<SalesforceFieldValues>[],
    context: TargetContext,
  ): Promise<(Error | null)[]> {
    const { object, externalId } = this;
    const records = rows.map(({ id, row }) => ({ attributes: { type: object }, ...row, [externalId]: id }));
    const results = await client.request<RowResult[]>(
      {
        method: 'PATCH',
        path: `/composite/sobjects/${object}/${externalId}`,
        body: { allOrNone: false, records },
        label: `upsert ${object}`,
      },
      context,
    );
    return results.map((result) => problemOf(result, `upsert ${object}`));
  }

  /** By external id there is no deleting of many: their ids are asked for first. */
  private async remove(
    client: SalesforceClient,
    rows: readonly TargetRow[],
    context: TargetContext,
  ): Promise<(Error | null)[]> {
    const { object, externalId } = this;
    const soql =
      `SELECT Id, ${externalId} FROM ${object} WHERE ${externalId} IN ` +
      `(${rows.map(({ id }) => quoted(id)).join(', ')}) LIMIT ${MOST_WHOLE_RECORDS}`;
    const { records } = await client.query(soql, false, `query ${object}`, context);
    const idOf = new Map(records.map((record) => [String(record[externalId]), record.Id]));
    const there = rows.flatMap(({ id }) => idOf.get(id) ?? []);
    if (there.length === 0) return rows.map(() => null);
    const results = await client.request<RowResult[]>(
      {
        method: 'DELETE',
        path: `/composite/sobjects?ids=${there.join(',')}&allOrNone=false`,
        label: `delete ${object}`,
      },
      context,
    );
    const problems = new Map(there.map((id, i) => [id, problemOf(results[i], `delete ${object}`)]));
    return rows.map(({ id }) => problems.get(idOf.get(id) ?? '') ?? null);
  }
}

interface RowResult {
  readonly success: boolean;
  readonly errors?: readonly { readonly statusCode?: string; readonly fields?: readonly string[] }[];
}

/** Salesforce's word and the fields' names; its sentences quote values. */
function problemOf(result: RowResult | undefined, what: string): Error | null {
  if (result?.success) return null;
  const { statusCode = 'UNKNOWN', fields = [] } = result?.errors?.[0] ?? {};
  // Deleted already, by whoever.
  if (statusCode === 'ENTITY_IS_DELETED' && what.startsWith('delete')) return null;
  const message = `Salesforce: ${[statusCode, ...fields].join(' ')} (${what})`;
  if (LOCKED.has(statusCode)) return new RetryLaterError({ afterMs: LOCKED_MS }, message);
  return INVALID.has(statusCode) ? new UnrecoverableError(message) : new Error(message);
}
