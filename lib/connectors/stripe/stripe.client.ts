import type Stripe from 'stripe';
import type { FetchOptions } from '../../model/connector.js';
import { ProviderError } from '../../sync.errors.js';
import { failureOf, type StripeAnswer } from './stripe.failure.js';
import { strictHttpClient } from './stripe.http-client.js';
import type { StripeConnectorOptions } from './stripe.options.js';

/** With whose key, and for which account. */
export interface StripeAccess {
  readonly apiKey: string;
  /** A Connect account that the key's owner may act for. */
  readonly stripeAccount?: string;
}

/** One GET request. */
export interface StripeRequest extends StripeAccess {
  readonly path: string;
  /** The request as messages name it, without ids: `GET /v1/invoices/{id}`. */
  readonly label: string;
}

/** An answer as it came: its JSON, or `{}`, and what it was. */
export interface StripeResponse {
  readonly body: Readonly<Record<string, unknown>>;
  readonly answer: StripeAnswer;
}

export type StripeClientOptions = Pick<
  StripeConnectorOptions,
  'host' | 'port' | 'protocol' | 'httpAgent' | 'apiVersion'
>;

/**
 * Reads paths of Stripe's API through the SDK: one client for each key, made when it is first needed. Without retries,
 * which are the caller's business, but for one that the SDK makes of itself after a connection that was reset.
 */
export class StripeClient {
  private readonly clients = new Map<string, Stripe>();

  constructor(
    private readonly options: StripeClientOptions,
    private readonly sdk: Promise<typeof Stripe>,
  ) {}

  /**
   * Resolves with whatever Stripe answers, errors too; an HTTP status alone decides nothing here, since the SDK takes
   * a 500 without an `error` in it for success.
   * @throws ProviderError `unavailable` if no answer came in time, or the signal was aborted first: then the request
   * goes on in the background until its time is up, since the SDK cannot abort one
   */
  async get(request: StripeRequest, { signal, timeoutMs }: FetchOptions): Promise<StripeResponse> {
    const client = await this.clientOf(request.apiKey);
    if (signal.aborted) throw aborted(request);
    return untilAborted(this.send(client, request, timeoutMs), request, signal);
  }

  private async send(client: Stripe, request: StripeRequest, timeoutMs: number): Promise<StripeResponse> {
    const { path, stripeAccount, label } = request;
    const timeout = Math.max(1, Math.ceil(timeoutMs)); // 0 would mean for ever.
    try {
      const result = await client.rawRequest('GET', path, undefined, { timeout, stripeAccount });
      const { statusCode, headers } = result.lastResponse;
      // A copy, without lastResponse: that would keep the connection's objects for as long as the record.
      return { body: { ...result }, answer: { status: statusCode, headers } };
    } catch (error) {
      const { statusCode, code, headers, message } = error as Partial<Stripe.errors.StripeError>;
      const answer: StripeAnswer = { status: statusCode, code, headers, message };
      if (statusCode === undefined) throw failureOf(answer, label);
      return { body: {}, answer };
    }
  }

  private async clientOf(apiKey: string): Promise<Stripe> {
    const known = this.clients.get(apiKey);
    if (known) return known;
    const StripeSdk = await this.sdk;
    const client = new StripeSdk(apiKey, {
      ...this.options,
      httpClient: strictHttpClient(StripeSdk.createNodeHttpClient(this.options.httpAgent)),
      maxNetworkRetries: 0,
      telemetry: false,
    } as Stripe.StripeConfig);
    this.clients.set(apiKey, client);
    return client;
  }
}

function untilAborted<T>(work: Promise<T>, request: StripeRequest, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(aborted(request));
    signal.addEventListener('abort', abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

function aborted({ label }: StripeRequest): ProviderError {
  return new ProviderError('unavailable', `Stripe: aborted (${label})`);
}
