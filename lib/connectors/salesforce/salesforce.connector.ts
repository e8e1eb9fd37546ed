import type {
  ApiUsage,
  ChangesPage,
  ChangesRequest,
  Connector,
  ConnectorProblem,
  Delivery,
  FetchOptions,
  Fetched,
  IncomingEvent,
  StreamBatch,
  StreamOptions,
  StreamRequest,
  Verdict,
} from '../../model/connector.js';
import type { ListedResource, ListPage, ListRequest } from '../../model/listing.js';
import { DEFAULT_CONNECTION, type RecordKey } from '../../model/record.js';
import { ProviderError, SyncConfigError } from '../../sync.errors.js';
import { readChanges } from './salesforce.changes.js';
import { SalesforceClient } from './salesforce.client.js';
import { fetchRecords, MOST_FETCHED } from './salesforce.fetch.js';
import { FINGERPRINT_REVISION, fingerprintOf } from './salesforce.fingerprint.js';
import { inspectOrg } from './salesforce.inspection.js';
import { SalesforceListing } from './salesforce.listing.js';
import {
  SALESFORCE_DEFAULTS,
  SALESFORCE_OPTION_NAMES,
  type OutboundMessageOptions,
  type SalesforceConnectorOptions,
  type SalesforceObjectOptions,
} from './salesforce.options.js';
import { ACKNOWLEDGEMENT, parseMessage, verifyMessage } from './salesforce.outbound.js';
import { loadJsforce, type Jsforce } from './salesforce.package.js';
import { optionProblems } from './salesforce.problems.js';
import { SalesforceSession } from './salesforce.session.js';
import { readStream } from './salesforce.stream.js';
import type { Subscriptions } from './salesforce.streamed.js';

/** Knows Salesforce. Its methods are described at `Connector`, what they do about Salesforce in the files they call. */
export class SalesforceConnector implements Connector {
  readonly provider = 'salesforce';
  readonly fingerprintRevision = FINGERPRINT_REVISION;
  readonly optionNames = Object.keys(SALESFORCE_OPTION_NAMES);
  readonly acknowledgement = ACKNOWLEDGEMENT;
  readonly mostFetched = MOST_FETCHED;
  readonly connections: readonly string[];
  readonly pollable: readonly string[];
  readonly streamed: readonly string[];
  readonly listable: readonly ListedResource[];
  private readonly objects: Readonly<Record<string, SalesforceObjectOptions>>;
  private readonly subscriptions: Subscriptions;
  private readonly clients = new Map<string, SalesforceClient>();
  private readonly listing: SalesforceListing;
  private loadError: unknown;

  constructor(
    readonly options: SalesforceConnectorOptions,
    private readonly sdk: Promise<Jsforce> = loadJsforce(),
  ) {
    this.connections = Object.keys(options.connections ?? {});
    this.pollable = [DEFAULT_CONNECTION, ...this.connections];
    this.objects = objectsOf(options.objects);
    this.subscriptions = subscriptionsOf(options, Object.keys(this.objects));
    const { changes, events } = this.subscriptions;
    this.streamed = changes.length + events.length > 0 ? this.pollable : [];
    this.listable = Object.keys(this.objects).map((resource) => ({ resource, byTime: true }));
    this.listing = new SalesforceListing(options.bulkAbove ?? SALESFORCE_DEFAULTS.bulkAbove);
    sdk.catch((error: unknown) => (this.loadError = error));
  }

  /** @throws SyncConfigError `SYNC_MISSING_PACKAGE` if that is known by now; calls throw it in any case */
  problems() {
    if (this.loadError instanceof SyncConfigError) throw this.loadError;
    return optionProblems(this.options);
  }

  async inspect(options: FetchOptions): Promise<ConnectorProblem[]> {
    const found = this.pollable.map((connection) =>
      inspectOrg(this.clientOf(connection), connection, this.objects, this.subscriptions.events, options),
    );
    return (await Promise.all(found)).flat();
  }

  verify(delivery: Delivery): Verdict {
    return verifyMessage(delivery, this.messagesOf(delivery.connectionId));
  }

  parse(delivery: Delivery): IncomingEvent[] {
    return parseMessage(delivery, this.messagesOf(delivery.connectionId)?.organizationId ?? '');
  }

  fetchable(resource: string): boolean {
    return Object.hasOwn(this.objects, resource);
  }

  async fetch(record: RecordKey, options: FetchOptions): Promise<Fetched> {
    const [fetched] = await this.fetchMany([record], options);
    if (fetched instanceof Error) throw fetched;
    return fetched!;
  }

  fetchMany(records: readonly RecordKey[], options: FetchOptions): Promise<(Fetched | ProviderError)[]> {
    const { connectionId, resource } = records[0]!;
    return fetchRecords(this.clientOf(connectionId), records, this.objects[resource]?.fields, options);
  }

  changes(request: ChangesRequest, options: FetchOptions): Promise<ChangesPage> {
    const overlapMs = (this.options.overlapSeconds ?? SALESFORCE_DEFAULTS.overlapSeconds) * 1_000;
    const client = this.clientOf(request.connectionId);
    return readChanges(client, Object.keys(this.objects), overlapMs, request, options);
  }

  stream(request: StreamRequest, options: StreamOptions): AsyncIterable<StreamBatch> {
    return readStream(this.clientOf(request.connectionId), this.subscriptions, request, options);
  }

  list(request: ListRequest, options: FetchOptions): Promise<ListPage> {
    const { fields } = this.objects[request.resource] ?? {};
    return this.listing.read({ client: this.clientOf(request.connectionId), request, fields, options });
  }

  usage(connectionId: string): ApiUsage | null {
    return this.clients.get(connectionId)?.usage ?? null;
  }

  fingerprint(_resource: string, data: object): string {
    return fingerprintOf(data);
  }

  /** Those of other orgs are not taken. */
  private messagesOf(connectionId: string): OutboundMessageOptions | undefined {
    return connectionId === DEFAULT_CONNECTION ? this.options.outboundMessages : undefined;
  }

  /** Talks to the org that a connection stands for. @throws ProviderError for one that there is not */
  clientOf(connectionId: string): SalesforceClient {
    const known = this.clients.get(connectionId);
    if (known) return known;
    const login =
      connectionId === DEFAULT_CONNECTION ? this.options.login : this.options.connections?.[connectionId];
    if (!login)
      throw new ProviderError('unauthorized', `Salesforce: there is no login for '${connectionId}'`);
    const version = this.options.apiVersion ?? SALESFORCE_DEFAULTS.apiVersion;
    const name = this.options.clientName ?? SALESFORCE_DEFAULTS.clientName;
    const client = new SalesforceClient(new SalesforceSession(login, version, this.sdk), name);
    this.clients.set(connectionId, client);
    return client;
  }
}

function objectsOf(
  objects: SalesforceConnectorOptions['objects'],
): Readonly<Record<string, SalesforceObjectOptions>> {
  if (Array.isArray(objects)) return Object.fromEntries((objects as string[]).map((name) => [name, {}]));
  return (objects as Readonly<Record<string, SalesforceObjectOptions>> | undefined) ?? {};
}

/** Never throws: what cannot be meant is found by the checks at boot. */
function subscriptionsOf(
  { changeDataCapture = [], platformEvents = [] }: SalesforceConnectorOptions,
  objects: readonly string[],
): Subscriptions {
  const changes = changeDataCapture === true ? objects : changeDataCapture;
  return { changes: listOf(changes), events: listOf(platformEvents) };
}

function listOf(given: unknown): readonly string[] {
  return Array.isArray(given) ? (given as string[]) : [];
}
