import type { ApiAnswer } from '../../fake-provider/api-request.js';
import { notFound, SalesforceApiError } from '../api-error.js';
import { formatTime } from '../dates.js';
import { NO_CONTENT, ok, type ApiParts, type Call } from '../route.js';
import type { CsvForm } from './csv.js';

export type JobState = 'Open' | 'UploadComplete' | 'InProgress' | 'JobComplete' | 'Failed' | 'Aborted';

/** What jobs of both kinds are. */
export interface BulkJob {
  readonly id: string;
  readonly operation: string;
  readonly object: string;
  readonly version: string;
  readonly form: CsvForm;
  readonly createdDate: string;
  state: JobState;
  /** How often someone has looked at it. */
  looks: number;
  /** How it ends. */
  end: 'JobComplete' | 'Failed';
}

/** Jobs of one kind: their states, which move on whenever someone looks. */
export class BulkJobs<Job extends BulkJob> {
  private readonly jobs = new Map<string, Job>();

  constructor(
    private readonly parts: ApiParts,
    /** What an answer says of a job beside what jobs of both kinds say. */
    private readonly more: (job: Job) => object,
  ) {}

  /** What a new job begins with. */
  begun(call: Call, operation: string, object: string, form: CsvForm): Omit<BulkJob, 'state'> {
    const { store, faults } = this.parts;
    return {
      id: store.nextId('750'),
      operation,
      object,
      version: call.version,
      form,
      createdDate: formatTime(store.now().getTime()),
      looks: 0,
      end: faults.takeFailedJob() ? 'Failed' : 'JobComplete',
    };
  }

  add(job: Job): ApiAnswer {
    this.jobs.set(job.id, job);
    return ok(this.infoOf(job));
  }

  /** @throws SalesforceApiError 404 */
  of({ parts: [id = ''] }: Call): Job {
    const job = this.jobs.get(id);
    if (!job) throw notFound();
    return job;
  }

  /** One look at its state. */
  look(call: Call): ApiAnswer {
    const job = this.of(call);
    if (job.state === 'UploadComplete' || job.state === 'InProgress') {
      job.state = job.looks < this.parts.faults.jobLooks ? 'InProgress' : job.end;
      job.looks += 1;
    }
    return ok(this.infoOf(job));
  }

  infoOf(job: Job): object {
    const { id, operation, object, state, version, form, createdDate } = job;
    return {
      id,
      operation,
      object,
      createdById: this.parts.store.userId,
      createdDate,
      systemModstamp: createdDate,
      state,
      concurrencyMode: 'Parallel',
      contentType: 'CSV',
      apiVersion: Number(version.slice(1)),
      ...form,
      ...this.more(job),
    };
  }

  /** `{ "state": "Aborted" }` and the like. @throws SalesforceApiError for a state that the job cannot be given */
  change(call: Call, from: readonly JobState[], to: JobState): ApiAnswer {
    const job = this.of(call);
    if (!from.includes(job.state)) throw wrongState(job);
    job.state = to;
    return ok(this.infoOf(job));
  }

  /** @throws SalesforceApiError for one that is still worked on */
  delete(call: Call): ApiAnswer {
    const job = this.of(call);
    if (job.state === 'InProgress') throw wrongState(job);
    this.jobs.delete(job.id);
    return NO_CONTENT;
  }

  deleteAll(): void {
    this.jobs.clear();
  }
}

export function wrongState({ state }: BulkJob): SalesforceApiError {
  return new SalesforceApiError(
    400,
    'INVALIDJOBSTATE',
    `Job is in state ${state}, in which this cannot be done`,
  );
}

/** @throws SalesforceApiError for a body that is no job */
export function askedOf(call: Call): Readonly<Record<string, unknown>> {
  const { body } = call.request.entry;
  if (typeof body === 'object' && body !== null && !Array.isArray(body))
    return body as Record<string, unknown>;
  throw new SalesforceApiError(400, 'JSON_PARSER_ERROR', 'The HTTP entity body is not an object.');
}

export function invalidJob(message: string): SalesforceApiError {
  return new SalesforceApiError(400, 'INVALIDJOB', message);
}

export function csvAnswer(body: string, headers: Readonly<Record<string, string>> = {}): ApiAnswer {
  return { status: 200, body, headers: { 'content-type': 'text/csv', ...headers } };
}
