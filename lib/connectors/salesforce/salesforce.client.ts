import type { Connection } from 'jsforce';
import type { ApiUsage, FetchOptions, StreamOptions } from '../../model/connector.js';
import { ProviderError, SyncConfigError } from '../../sync.errors.js';
import { CometdConnection } from './salesforce.cometd.js';
import { failureOf, isSessionOver, SalesforceError } from './salesforce.failure.js';
import type { SalesforceSession } from './salesforce.session.js';

export interface SalesforceRequest {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** Below the version: `/query?q=...`. */
  readonly path: string;
  readonly body?: object;
  /** What is asked, for messages: `query Account`. */
  readonly label: string;
}

export interface DescribedField {
  readonly name: string;
  /** In Salesforce's words: `currency`. */
  readonly type: string;
  /** Digits behind the point. */
  readonly scale: number;
  /** Rich text. */
  readonly htmlFormatted: boolean;
  readonly externalId: boolean;
  readonly caseSensitive: boolean;
  /** The field that it is a part of. */
  readonly compoundFieldName?: string | null;
}

export interface DescribedObject {
  /** As the org writes it. */
  readonly name: string;
  readonly fields: readonly DescribedField[];
}

/** What a query answers. */
export interface QueryAnswer {
  readonly totalSize: number;
  readonly records: readonly SalesforceRow[];
}

/** An answer that is CSV. */
export interface CsvAnswer {
  /** By the columns' names. */
  readonly lines: readonly CsvLine[];
  /** By their names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
}

export type CsvLine = Readonly<Record<string, string>>;

/** A record as the API gives it. */
export type SalesforceRow = Readonly<Record<string, unknown>> & { readonly Id: string };

const NOT_THERE: ReadonlySet<string> = new Set(['NOT_FOUND', 'INVALID_TYPE']);

/** The only place that talks to an org. One request is one call: jsforce does not repeat it. */
export class SalesforceClient {
  /** As the last answer has said (`Sforce-Limit-Info`). */
  usage: ApiUsage | null = null;

  constructor(
    private readonly session: SalesforceSession,
    /** Names whoever writes, in what the org tells of changes. */
    readonly clientName: string,
  ) {}

  /** @throws ProviderError; SyncConfigError if jsforce is missing */
  async request<T>(request: SalesforceRequest, options: FetchOptions): Promise<T> {
    return (await this.answerTo<T>(request, options)).body;
  }

  /** @throws ProviderError also for an answer that is no CSV */
  async lines(path: string, label: string, options: FetchOptions): Promise<CsvAnswer> {
    const { body, headers } = await this.answerTo<unknown>({ method: 'GET', path, label }, options);
    // What it cannot read, jsforce hands through as it came.
    if (!Array.isArray(body)) throw new SalesforceError('unavailable', 'MALFORMED_CSV', label);
    return { lines: body as CsvLine[], headers };
  }

  private answerTo<T>(request: SalesforceRequest, options: FetchOptions): Promise<Answer<T>> {
    return this.inSession(request.label, options, (connection) => this.send<T>(connection, request, options));
  }

  /** An object with its fields; `null`: the org has no such object, or shows it to nobody. */
  async describe(object: string, options: FetchOptions): Promise<DescribedObject | null> {
    const path = `/sobjects/${object}/describe`;
    try {
      return await this.request({ method: 'GET', path, label: `describe ${object}` }, options);
    } catch (error) {
      if (error instanceof SalesforceError && NOT_THERE.has(error.answer)) return null;
      throw error;
    }
  }

  /** @param withDeleted also what is in the recycle bin */
  query(soql: string, withDeleted: boolean, label: string, options: FetchOptions): Promise<QueryAnswer> {
    const path = `/${withDeleted ? 'queryAll' : 'query'}?q=${encodeURIComponent(soql)}`;
    return this.request({ method: 'GET', path, label }, options);
  }

  /** The streaming API, in this session. @throws ProviderError; SyncConfigError if jsforce is missing */
  openStream(options: StreamOptions): Promise<CometdConnection> {
    return this.inSession('stream', { ...options, nowMs: options.now() }, async (connection) => {
      const stream = new CometdConnection(connection, options);
      await stream.open();
      return stream;
    });
  }

  /** @throws ProviderError; SyncConfigError if jsforce is missing */
  private async inSession<T>(
    label: string,
    options: FetchOptions,
    work: (connection: Connection) => Promise<T>,
  ): Promise<T> {
    try {
      return await this.inAnySession(options, work);
    } catch (error) {
      if (error instanceof SyncConfigError || error instanceof ProviderError) throw error;
      throw failureOf(error, label);
    }
  }

  /** In a new session, once, if the org says that this one is over. */
  private async inAnySession<T>(
    { nowMs, timeoutMs, signal }: FetchOptions,
    work: (connection: Connection) => Promise<T>,
  ): Promise<T> {
    for (let again = false; ; again = true) {
      signal.throwIfAborted();
      const entering = Promise.resolve(this.session.connection({ nowMs, timeoutMs }));
      const connection = await untilAborted(entering, signal);
      try {
        const answer = await work(connection);
        this.session.accepted();
        return answer;
      } catch (error) {
        if (!isSessionOver(error)) throw error;
        this.session.end(connection);
        if (again) this.session.refused(nowMs);
        if (again) throw error;
      }
    }
  }

  private async send<T>(
    connection: Connection,
    { method, path, body }: SalesforceRequest,
    { timeoutMs, signal, nowMs }: FetchOptions,
  ): Promise<Answer<T>> {
    signal.throwIfAborted();
    let headers: Answer<T>['headers'] = {};
    const request = connection.request<T>(
      {
        method,
        url: path,
        headers: {
          // node-fetch closes the connection otherwise.
          connection: 'keep-alive',
          'sforce-call-options': `client=${this.clientName}`,
          ...(body && { 'content-type': 'application/json' }),
        },
        ...(body && { body: JSON.stringify(body) }),
      },
      once(connection, timeoutMs, (answered) => (headers = answered)),
    );
    const answer = await untilAborted(request, signal);
    const { apiUsage } = connection.limitInfo;
    if (apiUsage) this.usage = { used: apiUsage.used, limit: apiUsage.limit, at: new Date(nowMs) };
    return { body: answer, headers };
  }
}

interface Answer<T> {
  readonly body: T;
  readonly headers: Readonly<Record<string, string>>;
}

/** What jsforce hands through to its transport, and its types do not know. It keeps the headers of answers to itself. */
function once(
  { _transport: transport }: Connection,
  timeoutMs: number,
  answered: (headers: Answer<unknown>['headers']) => void,
): object {
  const httpRequest: typeof transport.httpRequest = (request, options) => {
    const sent = transport.httpRequest(request, options);
    sent.then(
      ({ headers }) => answered(headers),
      () => undefined,
    );
    return sent;
  };
  return { retry: { maxRetries: 0 }, timeout: timeoutMs, transport: { httpRequest } };
}

/** jsforce knows no signal, and bounds only the time that an answer takes to begin. */
async function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  let abort = () => undefined as void;
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(Object.assign(new Error('no answer in time'), { code: 'ETIMEDOUT' }));
    signal.addEventListener('abort', abort);
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
