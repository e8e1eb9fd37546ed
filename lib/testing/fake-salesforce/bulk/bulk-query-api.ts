import type { ApiAnswer } from '../../fake-provider/api-request.js';
import { SalesforceApiError } from '../api-error.js';
import { isCompound } from '../compound-fields.js';
import type { FieldDefinition } from '../object-definition.js';
import type { ApiParts, Call, Route } from '../route.js';
import { SoqlEvaluation, type Column } from '../soql/soql.evaluation.js';
import { parseSoql } from '../soql/soql.parser.js';
import type { StoredRecord } from '../stored-record.js';
import { askedOf, BulkJobs, csvAnswer, invalidJob, wrongState, type BulkJob } from './bulk-jobs.js';
import { csvFormOf, writeCsv } from './csv.js';

/** Of one answer, where nobody asks for fewer. */
const MOST_RESULTS = 50_000;

interface QueryJob extends BulkJob {
  readonly header: readonly string[];
  /** As they were when the job was begun: what is read of a job is as old as that. */
  readonly rows: readonly (readonly string[])[];
}

/** Query jobs of the Bulk API 2.0. */
export class BulkQueryApi {
  readonly jobs: BulkJobs<QueryJob>;

  constructor(private readonly parts: ApiParts) {
    this.jobs = new BulkJobs<QueryJob>(parts, ({ state, rows }) =>
      state === 'JobComplete'
        ? { jobType: 'V2Query', numberRecordsProcessed: rows.length, retries: 0, totalProcessingTime: 100 }
        : { jobType: 'V2Query' },
    );
  }

  routes(): Route[] {
    return [
      ['POST', /^\/jobs\/query\/?$/, (call) => this.begin(call)],
      ['GET', /^\/jobs\/query\/([^/]+)\/?$/, (call) => this.jobs.look(call)],
      ['GET', /^\/jobs\/query\/([^/]+)\/results\/?$/, (call) => this.results(call)],
      ['PATCH', /^\/jobs\/query\/([^/]+)\/?$/, (call) => this.abort(call)],
      ['DELETE', /^\/jobs\/query\/([^/]+)\/?$/, (call) => this.jobs.delete(call)],
    ];
  }

  private begin(call: Call): ApiAnswer {
    const { operation, query, ...form } = askedOf(call);
    if (operation !== 'query' && operation !== 'queryAll')
      throw invalidJob(`Operation ${String(operation)} is not supported`);
    if (typeof query !== 'string' || query === '') throw invalidJob('The query is missing');
    const { columns, object, records } = this.evaluated(query, operation === 'queryAll');
    const cells = (record: StoredRecord) =>
      columns.map(({ definition, read }) => cellOf(definition, read(record)));
    return this.jobs.add({
      ...this.jobs.begun(call, operation, object, csvFormOf(form)),
      state: 'UploadComplete',
      header: columns.map(({ name }) => name),
      rows: records.map(cells),
    });
  }

  /** @throws SalesforceApiError for what a job cannot ask (docs: "Bulk API 2.0 Developer Guide", "Create a Query Job") */
  private evaluated(
    soql: string,
    withDeleted: boolean,
  ): { columns: readonly Column[]; object: string; records: readonly StoredRecord[] } {
    const parsed = parseSoql(soql);
    const evaluation = new SoqlEvaluation(this.parts.store, parsed);
    if (evaluation.isCount || parsed.offset > 0)
      throw new SalesforceApiError(400, 'API_ERROR', 'Aggregates and OFFSET are not supported in Bulk Query');
    if (parsed.fields.some((field) => field.endsWith(')'))) throw compoundData();
    const columns = evaluation.columns();
    if (columns.some(({ definition }) => isCompound(definition))) throw compoundData();
    return { columns, object: evaluation.objectName, records: evaluation.matching(withDeleted) };
  }

  private results(call: Call): ApiAnswer {
    const job = this.jobs.of(call);
    if (job.version !== call.version)
      throw new SalesforceApiError(409, 'API_ERROR', 'The job was made by another version of the API');
    if (job.state !== 'JobComplete') throw wrongState(job);
    const { locator, maxRecords } = call.request.entry.query;
    const from = locator === undefined ? 0 : placeOf(locator);
    const most = maxRecords === undefined ? MOST_RESULTS : Number(maxRecords);
    const isLeft = from === 0 || from < job.rows.length;
    if (!isLeft || !Number.isInteger(most) || most < 1)
      throw new SalesforceApiError(400, 'INVALIDLOCATOR', 'There are no such results');
    const to = Math.min(from + most, job.rows.length);
    return csvAnswer(writeCsv([job.header, ...job.rows.slice(from, to)], job.form), {
      'sforce-locator': to < job.rows.length ? locatorOf(to) : 'null',
      'sforce-numberofrecords': String(to - from),
    });
  }

  private abort(call: Call): ApiAnswer {
    const { state } = askedOf(call);
    if (state !== 'Aborted') throw invalidJob('A query job can only be aborted');
    return this.jobs.change(call, ['UploadComplete', 'InProgress'], 'Aborted');
  }
}

function compoundData(): SalesforceApiError {
  return new SalesforceApiError(
    400,
    'FUNCTIONALITY_NOT_ENABLED',
    'Selecting compound data not supported in Bulk Query',
  );
}

/** As the Bulk API writes values, which is not as JSON has them: `1.0`, and times that end in `Z`. */
function cellOf({ type }: FieldDefinition, value: unknown): string {
  if (value === null || value === undefined) return '';
  if (type === 'datetime') return String(value).replace('+0000', 'Z');
  const hasFraction = type === 'double' || type === 'currency' || type === 'percent';
  return hasFraction && /^-?\d+$/.test(String(value)) ? `${String(value)}.0` : String(value);
}

/** Means something to the org alone. */
function locatorOf(row: number): string {
  return Buffer.from(`row ${row}`).toString('base64url');
}

function placeOf(locator: string): number {
  const [, row] = /^row (\d+)$/.exec(Buffer.from(locator, 'base64url').toString()) ?? [];
  return row === undefined ? Infinity : Number(row);
}
