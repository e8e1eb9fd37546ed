import type { ListedResource, ListPage, ListRequest } from './listing.js';
import type { RecordKey } from './record.js';

/** One HTTP delivery, as it came in: nothing has been parsed. */
export interface Delivery {
  /** The exact bytes of the body. */
  readonly body: Buffer;
  /** Header names in lower case, as Node gives them. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** The connection named in the URL, `default` where none is. It picks the secrets. */
  readonly connectionId: string;
  /** What stands behind the URL's question mark, as it came. */
  readonly search: string;
}

/** The body of an answer that says yes. */
export interface Acknowledgement {
  readonly contentType: string;
  readonly body: string;
}

/** Why a delivery is not believed. Goes into the answer and the metrics; carries nothing of the delivery itself. */
export type RejectReason =
  'no-signature' | 'malformed-signature' | 'wrong-signature' | 'too-old' | 'in-the-future';

export type Verdict = { readonly ok: true } | { readonly ok: false; readonly reason: RejectReason };

/** An event as a connector reads it out of a verified delivery. */
export interface IncomingEvent {
  /** The provider's id of the event, stable over redeliveries; `null` where there is none. */
  readonly eventId: string | null;
  readonly type: string;
  readonly connectionId: string;
  readonly resource: string;
  /** The record's id, normalised; `null` for an event about nothing that has an id (it is then its own record). */
  readonly recordId: string | null;
  /** When it happened, by the provider's clock. */
  readonly occurredAt: Date | null;
  /** The event says that the record is gone. It is still fetched: only the API knows. */
  readonly deletion: boolean;
  /** The JSON text to keep as the event's payload. */
  readonly payload: string;
}

/** A record as fetched, or its absence. `stated`: the provider said "deleted", rather than just "not found". */
export type Fetched =
  { readonly found: true; readonly data: object } | { readonly found: false; readonly stated: boolean };

export interface FetchOptions {
  /** Aborts the request. */
  readonly signal: AbortSignal;
  /** Upper bound of one request. */
  readonly timeoutMs: number;
  /** The present, by the module's clock, in epoch milliseconds. */
  readonly nowMs: number;
}

/** Where a walk over a provider's log of changes is to go on. */
export interface ChangesRequest {
  readonly connectionId: string;
  /** As the page before said; `null`: there is none yet. */
  readonly cursor: string | null;
  /** From when on, where there is no cursor. */
  readonly since: Date;
  /** The present, by the module's clock. */
  readonly now: Date;
}

/** A piece of a provider's log of changes. Its events, and the pages themselves, are oldest first. */
export interface ChangesPage {
  readonly events: readonly IncomingEvent[];
  /** Where to go on; means something to the connector alone. */
  readonly cursor: string;
  /** There is more to be read at once. */
  readonly more: boolean;
}

/** Where a stream is to begin. */
export interface StreamRequest {
  readonly connectionId: string;
  /** As the batch before said; `null`: there is none yet. */
  readonly position: string | null;
  /** From when on, where there is no position, and in any case: what happened before is left out. */
  readonly since: Date;
}

export interface StreamOptions {
  /** Ends the stream. */
  readonly signal: AbortSignal;
  /** Upper bound of one request that is to be answered at once. */
  readonly timeoutMs: number;
  /** The present, by the module's clock, in epoch milliseconds. */
  now(): number;
}

/** What has happened since the batch before, oldest first. */
export interface StreamBatch {
  readonly events: readonly IncomingEvent[];
  /** Where to go on behind it; means something to the connector alone. */
  readonly position: string;
  /** Resources of which more has changed than it can say: they are to be compared. */
  readonly unclear: readonly string[];
}

/** How many of its API calls of a day a provider says are used. */
export interface ApiUsage {
  readonly used: number;
  readonly limit: number;
  /** When it said so, by the module's clock. */
  readonly at: Date;
}

/** Something wrong with a connector's options, found at boot. */
export interface ConnectorProblem {
  readonly code: 'SYNC_MISSING_SECRET' | 'SYNC_MISSING_API_KEY' | 'SYNC_INVALID_OPTION';
  /** What is wrong and how to put it right, in one or two sentences. */
  readonly message: string;
}

/**
 * Knows one provider. Stateless towards the host: it verifies, reads and fetches, and stores nothing.
 *
 * Every method but `fetch`, `changes` and `list` is synchronous and must not throw on hostile input, except `parse`, which throws
 * `MalformedDeliveryError`.
 */
export interface Connector {
  /** The provider's name, for logs: `stripe`. */
  readonly provider: string;
  /** The connections that a webhook URL may name beside `default`. */
  readonly connections: readonly string[];
  /** Raised whenever `fingerprint` changes its meaning, so that old fingerprints are refreshed silently. */
  readonly fingerprintRevision: number;

  /**
   * The options of the function that makes such a source, without the source's policies: what a host has misspelt is
   * told at boot with the one that it may have meant. What the function does not know, it leaves to its source.
   */
  readonly optionNames?: readonly string[];

  /** What is wrong with the options; empty when all is well. Called once at boot. */
  problems(): ConnectorProblem[];

  /**
   * What the provider itself says to be wrong with the options: who may not in, what does not exist. Asked once at boot by
   * processes that call the API.
   * @throws ProviderError where that cannot be found out now, which keeps nobody from booting
   */
  inspect?(options: FetchOptions): Promise<ConnectorProblem[]>;

  /** Proves on the raw bytes, in constant time, that the provider sent this. `nowMs`: epoch milliseconds. */
  verify(delivery: Delivery, nowMs: number): Verdict;

  /**
   * Reads a verified delivery. One delivery may hold several events.
   * @throws MalformedDeliveryError if it is not what this provider sends.
   */
  parse(delivery: Delivery): IncomingEvent[];

  /** What this provider wants to read in the answer to a delivery that is stored. @default a line of JSON that none looks at */
  readonly acknowledgement?: Acknowledgement;

  /** Whether records of this resource can be read through the API. What cannot has event handlers only. */
  fetchable(resource: string): boolean;

  /**
   * Reads one record as it is now, sub-lists completed.
   * @throws ProviderError for everything but "found" and "not found".
   */
  fetch(record: RecordKey, options: FetchOptions): Promise<Fetched>;

  /**
   * Reads many records of one connection and resource by one call, and says of each, in the same order, what `fetch` would
   * have come to: a ProviderError for one that cannot be read. Missing: each record costs a call.
   * @throws ProviderError that keeps all of them from being read
   */
  fetchMany?(records: readonly RecordKey[], options: FetchOptions): Promise<readonly (Fetched | Error)[]>;

  /** How many records `fetchMany` may be given at most. @default 200 */
  readonly mostFetched?: number;

  /**
   * The connections whose log of changes can be read: accounts, each once, whatever they are called. Missing: this
   * provider has no such log.
   */
  readonly pollable?: readonly string[];

  /**
   * One call for what has happened next, in the provider's order. Reads again what may have come into the log late, so
   * that events come more than once and none is skipped. What it knows and nobody can read is left out.
   * @throws CursorExpiredError if the log no longer reaches back to the cursor; ProviderError for everything else
   */
  changes?(request: ChangesRequest, options: FetchOptions): Promise<ChangesPage>;

  /** How far that log reaches back, in milliseconds. Missing: to its beginning. */
  readonly changesReachMs?: number;

  /** The connections that what happens is streamed of, each once. Missing: nothing is. */
  readonly streamed?: readonly string[];

  /**
   * Gives what happens at a connection as it happens, over a connection that is kept open; an empty batch as soon as that is open. The
   * next batch is asked for when the one before is stored. Gives again what was given after the position, and skips
   * nothing of it. Ends by an error alone.
   * @throws CursorExpiredError if what follows the position is kept no longer; ProviderError for everything else
   */
  stream?(request: StreamRequest, options: StreamOptions): AsyncIterable<StreamBatch>;

  /** What can be listed, parents before what refers to them. Missing: nothing. */
  readonly listable?: readonly ListedResource[];

  /** How far listings may be behind what a single read shows, in milliseconds. @default 0 */
  readonly listLagMs?: number;

  /**
   * One call for a page of a listing. Records may be created and deleted between two pages: none that was there all the
   * time is skipped.
   * @throws ProviderError
   */
  list?(request: ListRequest, options: FetchOptions): Promise<ListPage>;

  /** What the provider last said to this process of a connection's daily calls; `null`: nothing yet. Missing: it has no such limit. */
  usage?(connectionId: string): ApiUsage | null;

  /** A short text that is equal exactly when the record's content is; free of volatile fields. At most 64 characters. */
  fingerprint(resource: string, data: object): string;
}
