import type { ApiAnswer } from '../../fake-provider/api-request.js';
import { SalesforceApiError } from '../api-error.js';
import type { ApiParts, Call, Route } from '../route.js';
import { byExternalId } from '../sobjects.js';
import type { SalesforceFields } from '../stored-record.js';
import { askedOf, BulkJobs, csvAnswer, invalidJob, wrongState, type BulkJob } from './bulk-jobs.js';
import { csvFormOf, readCsv, writeCsv } from './csv.js';
import { fieldsOfRow } from './ingest-row.js';

const OPERATIONS = ['insert', 'update', 'upsert', 'delete'];

interface RowResult {
  readonly id: string;
  readonly created: boolean;
  readonly error: string | null;
}

interface IngestJob extends BulkJob {
  readonly externalIdFieldName: string | null;
  /** What was uploaded; the first row names the columns. */
  rows: readonly (readonly string[])[] | null;
  /** By row; missing: it was not processed. */
  results: readonly RowResult[];
}

/** Ingest jobs of the Bulk API 2.0. */
export class BulkIngestApi {
  readonly jobs: BulkJobs<IngestJob>;

  constructor(private readonly parts: ApiParts) {
    this.jobs = new BulkJobs<IngestJob>(parts, ({ id, version, state, results, externalIdFieldName }) => ({
      jobType: 'V2Ingest',
      ...(externalIdFieldName !== null && { externalIdFieldName }),
      ...(state === 'Open' && { contentUrl: `services/data/${version}/jobs/ingest/${id}/batches` }),
      ...(state === 'Failed' && { errorMessage: 'InvalidBatch : The job failed on purpose' }),
      numberRecordsProcessed: results.length,
      numberRecordsFailed: results.filter(({ error }) => error !== null).length,
    }));
  }

  routes(): Route[] {
    return [
      ['POST', /^\/jobs\/ingest\/?$/, (call) => this.begin(call)],
      ['GET', /^\/jobs\/ingest\/([^/]+)\/?$/, (call) => this.jobs.look(call)],
      ['PUT', /^\/jobs\/ingest\/([^/]+)\/batches\/?$/, (call) => this.upload(call)],
      ['PATCH', /^\/jobs\/ingest\/([^/]+)\/?$/, (call) => this.change(call)],
      ['DELETE', /^\/jobs\/ingest\/([^/]+)\/?$/, (call) => this.jobs.delete(call)],
      ['GET', /^\/jobs\/ingest\/([^/]+)\/successfulResults\/?$/, (call) => this.successes(call)],
      ['GET', /^\/jobs\/ingest\/([^/]+)\/failedResults\/?$/, (call) => this.failures(call)],
      ['GET', /^\/jobs\/ingest\/([^/]+)\/unprocessedrecords\/?$/i, (call) => this.unprocessed(call)],
    ];
  }

  private begin(call: Call): ApiAnswer {
    const { schema } = this.parts.store;
    const { operation, object: name, externalIdFieldName, contentType = 'CSV', ...form } = askedOf(call);
    if (!OPERATIONS.includes(String(operation)))
      throw invalidJob(`Operation ${String(operation)} is not supported`);
    if (contentType !== 'CSV') throw invalidJob('Only CSV is supported');
    const object = schema.object(String(name));
    if ((operation === 'upsert') !== (typeof externalIdFieldName === 'string'))
      throw invalidJob('An upsert, and nothing else, names its externalIdFieldName');
    const field = operation === 'upsert' ? schema.fieldName(object, String(externalIdFieldName)) : null;
    if (field !== null) byExternalId([], object, field, null);
    return this.jobs.add({
      ...this.jobs.begun(call, String(operation), object.name, csvFormOf(form)),
      state: 'Open',
      externalIdFieldName: field,
      rows: null,
      results: [],
    });
  }

  private upload(call: Call): ApiAnswer {
    const job = this.jobs.of(call);
    if (job.state !== 'Open' || job.rows) throw wrongState(job);
    job.rows = readCsv(call.request.text, job.form);
    return { status: 201, body: '' };
  }

  private change(call: Call): ApiAnswer {
    const { state } = askedOf(call);
    if (state === 'Aborted')
      return this.jobs.change(call, ['Open', 'UploadComplete', 'InProgress'], 'Aborted');
    if (state !== 'UploadComplete') throw invalidJob(`A job cannot be given the state ${String(state)}`);
    const answer = this.jobs.change(call, ['Open'], 'UploadComplete');
    const job = this.jobs.of(call);
    // What it does is done at once; that it is done is only told later.
    if (job.end === 'JobComplete') job.results = this.rowsOf(job).map((row) => this.saved(job, row));
    return answer;
  }

  private rowsOf({ rows }: IngestJob): readonly (readonly string[])[] {
    return rows?.slice(1) ?? [];
  }

  private saved(job: IngestJob, row: readonly string[]): RowResult {
    try {
      return { ...this.save(job, row), error: null };
    } catch (error) {
      if (!(error instanceof SalesforceApiError)) throw error;
      const { errorCode, message, fields } = error;
      return { id: '', created: false, error: `${errorCode}:${message}:${fields.join(', ')} --` };
    }
  }

  private save(job: IngestJob, row: readonly string[]): { id: string; created: boolean } {
    const { store, locks } = this.parts;
    const object = store.schema.object(job.object);
    const { Id: given, ...fields } = fieldsOfRow(store.schema, object, job.rows![0]!, row);
    const write = (id: string, work: SalesforceFields | null) => {
      locks.admit(store.find(id)?.id ?? id);
      const record = store.change((change) => (work ? change.update(id, work) : change.remove(id)));
      return { id: record.id, created: false };
    };
    const create = () => ({ id: store.change((change) => change.create(object, fields)).id, created: true });
    if (job.operation === 'insert') return create();
    if (job.operation === 'delete') return write(String(given ?? ''), null);
    if (job.operation === 'update') return write(String(given ?? ''), fields);
    const field = job.externalIdFieldName!;
    const key = field === 'Id' ? given : fields[field];
    const found = byExternalId(store.all(object.name), object, field, key);
    return found ? write(found.id, fields) : create();
  }

  private successes(call: Call): ApiAnswer {
    const job = this.jobs.of(call);
    return this.results(job, ['sf__Id', 'sf__Created'], ({ id, created, error }) =>
      error === null ? [id, String(created)] : null,
    );
  }

  private failures(call: Call): ApiAnswer {
    const job = this.jobs.of(call);
    return this.results(job, ['sf__Id', 'sf__Error'], ({ id, error }) =>
      error === null ? null : [id, error],
    );
  }

  private unprocessed(call: Call): ApiAnswer {
    const job = this.jobs.of(call);
    const left = this.rowsOf(job).slice(job.results.length);
    return csvAnswer(writeCsv([job.rows?.[0] ?? [], ...left], job.form));
  }

  private results(
    job: IngestJob,
    header: readonly string[],
    told: (result: RowResult) => string[] | null,
  ): ApiAnswer {
    const rows = this.rowsOf(job);
    const lines = job.results.flatMap((result, i) => {
      const cells = told(result);
      return cells ? [[...cells, ...rows[i]!]] : [];
    });
    return csvAnswer(writeCsv([[...header, ...(job.rows?.[0] ?? [])], ...lines], job.form));
  }
}
