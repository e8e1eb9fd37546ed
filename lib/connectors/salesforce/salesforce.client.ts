import type { Connection } from 'jsforce';
import type { FetchOptions } from '../../model/connector.js';
import { SyncConfigError } from '../../sync.errors.js';
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

/** How much of an org's daily calls are used. */
export interface ApiUsage {
  readonly used: number;
  readonly limit: number;
}

export interface DescribedObject {
  readonly fields: readonly DescribedField[];
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
}

/** What a query answers. */
export interface QueryAnswer {
  readonly records: readonly SalesforceRow[];
}

/** A record as the API gives it. */
export type SalesforceRow = Readonly<Record<string, unknown>> & { readonly Id: string };

const NOT_THERE: ReadonlySet<string> = new Set(['NOT_FOUND', 'INVALID_TYPE']);

/** The only place that talks to an org. One request is one call: jsforce does not repeat it. */
export class SalesforceClient {
  /** As the last answer has said. */
  usage: ApiUsage | null = null;

  constructor(
    private readonly session: SalesforceSession,
    /** Names whoever writes, in what the org tells of changes. */
    readonly clientName: string,
  ) {}

  /** @throws ProviderError; SyncConfigError if jsforce is missing */
  async request<T>(request: SalesforceRequest, options: FetchOptions): Promise<T> {
    try {
      return await this.inSession(options, (connection) => this.send<T>(connection, request, options));
    } catch (error) {
      if (error instanceof SyncConfigError) throw error;
      throw failureOf(error, request.label);
    }
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

  /** In a new session, once, if the org says that this one is over. */
  private async inSession<T>(
    { nowMs }: FetchOptions,
    work: (connection: Connection) => Promise<T>,
  ): Promise<T> {
    for (let again = false; ; again = true) {
      const connection = await this.session.connection(nowMs);
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
    { timeoutMs, signal }: FetchOptions,
  ): Promise<T> {
    signal.throwIfAborted();
    const answer = await connection.request<T>(
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
      once(timeoutMs),
    );
    this.usage = connection.limitInfo.apiUsage ?? this.usage;
    return answer;
  }
}

/** What jsforce hands through to its transport, and its types do not know. */
function once(timeoutMs: number): object {
  return { retry: { maxRetries: 0 }, timeout: timeoutMs };
}
