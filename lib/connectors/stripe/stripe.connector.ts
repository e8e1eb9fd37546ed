import type Stripe from 'stripe';
import type {
  ChangesPage,
  ChangesRequest,
  Connector,
  Delivery,
  FetchOptions,
  Fetched,
  IncomingEvent,
  Verdict,
} from '../../model/connector.js';
import type { ListPage, ListRequest } from '../../model/listing.js';
import { DEFAULT_CONNECTION, type RecordKey } from '../../model/record.js';
import { ProviderError, SyncConfigError } from '../../sync.errors.js';
import { EVENTS_PATH, LOG_SECONDS, readChanges } from './stripe.changes.js';
import { StripeClient, type StripeAccess } from './stripe.client.js';
import { parseEvent } from './stripe.event.js';
import { fetchRecord } from './stripe.fetch.js';
import { FINGERPRINT_REVISION, fingerprintOf } from './stripe.fingerprint.js';
import { readListing, STRIPE_LISTABLE } from './stripe.listing.js';
import {
  STRIPE_OPTION_NAMES,
  STRIPE_TOLERANCE_SECONDS,
  isBlank,
  usableSecrets,
  type StripeConnectionOptions,
  type StripeConnectorOptions,
} from './stripe.options.js';
import { loadStripe } from './stripe.package.js';
import { optionProblems } from './stripe.problems.js';
import { isFetchable } from './stripe.record-id.js';
import { verifySignature } from './stripe.signature.js';

/** Knows Stripe. Its methods are described at `Connector`, what they do about Stripe in the files they call. */
export class StripeConnector implements Connector {
  readonly provider = 'stripe';
  readonly fingerprintRevision = FINGERPRINT_REVISION;
  readonly optionNames = Object.keys(STRIPE_OPTION_NAMES);
  readonly changesReachMs = LOG_SECONDS * 1_000;
  readonly listable = STRIPE_LISTABLE;
  /** Stripe promises nothing; search, which promises a minute, is not used. */
  readonly listLagMs = 10_000;
  readonly connections: readonly string[];
  readonly pollable: readonly string[];
  private readonly client: StripeClient;
  private loadError: unknown;

  constructor(
    readonly options: StripeConnectorOptions,
    sdk: Promise<typeof Stripe> = loadStripe(),
  ) {
    this.connections = Object.keys(options.connections ?? {});
    this.pollable = [DEFAULT_CONNECTION, ...this.connections.filter((name) => this.isAccount(name))];
    const { host, port, protocol, httpAgent, apiVersion } = options;
    this.client = new StripeClient({ host, port, protocol, httpAgent, apiVersion }, sdk);
    sdk.catch((error: unknown) => (this.loadError = error));
  }

  /** @throws SyncConfigError `SYNC_MISSING_PACKAGE` if that is known by now; `fetch` throws it in any case. */
  problems() {
    if (this.loadError instanceof SyncConfigError) throw this.loadError;
    return optionProblems(this.options);
  }

  verify({ body, headers, connectionId }: Delivery, nowMs: number): Verdict {
    const secrets = usableSecrets(
      connectionId === DEFAULT_CONNECTION
        ? this.options.webhookSecrets
        : this.connection(connectionId)?.webhookSecrets,
    );
    const tolerance = this.options.toleranceSeconds ?? STRIPE_TOLERANCE_SECONDS;
    return verifySignature(headers['stripe-signature'], body, secrets, tolerance, nowMs);
  }

  parse(delivery: Delivery): IncomingEvent[] {
    return [parseEvent(delivery, this.vouchesForOthers(delivery.connectionId))];
  }

  fetchable(resource: string): boolean {
    return isFetchable(resource);
  }

  async fetch(record: RecordKey, options: FetchOptions): Promise<Fetched> {
    return fetchRecord(this.client, record, (path) => this.accessTo(record.connectionId, path), options);
  }

  changes(request: ChangesRequest, options: FetchOptions): Promise<ChangesPage> {
    return readChanges(this.client, this.accessTo(request.connectionId, EVENTS_PATH), request, options);
  }

  list(request: ListRequest, options: FetchOptions): Promise<ListPage> {
    return readListing(this.client, (path) => this.accessTo(request.connectionId, path), request, options);
  }

  fingerprint(resource: string, data: object): string {
    return fingerprintOf(resource, data);
  }

  private accessTo(connectionId: string, path: string): StripeAccess {
    const { apiKey: platformKey } = this.options;
    const ownKey = this.connection(connectionId)?.apiKey;
    const apiKey = isBlank(ownKey) ? platformKey : ownKey!;
    if (isBlank(apiKey)) throw new ProviderError('unauthorized', 'Stripe: the source has no apiKey');
    const isPlatform = apiKey === platformKey && connectionId !== DEFAULT_CONNECTION;
    // Another name for the platform's own account, say for a second endpoint, must bring its key; an account need not.
    const isConnected = isPlatform && (isBlank(ownKey) || connectionId.startsWith('acct_'));
    // Connect documents reading an account, and what hangs below it, as the platform: the path names the account.
    return isConnected && !path.startsWith('/v1/accounts/')
      ? { apiKey, stripeAccount: connectionId }
      : { apiKey };
  }

  /** And not just another endpoint of the platform's own account, which would be read twice. */
  private isAccount(connectionId: string): boolean {
    const ownKey = this.connection(connectionId)?.apiKey;
    return connectionId.startsWith('acct_') || (!isBlank(ownKey) && ownKey !== this.options.apiKey);
  }

  /** The platform's endpoints, of which it may have several, tell of all accounts; any other of its own account alone. */
  private vouchesForOthers(connectionId: string): boolean {
    return connectionId === DEFAULT_CONNECTION || !this.isAccount(connectionId);
  }

  private connection(id: string): StripeConnectionOptions | undefined {
    return this.options.connections?.[id];
  }
}
