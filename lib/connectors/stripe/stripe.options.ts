import type { Agent } from 'node:http';
import type { SourcePolicies } from '../../sync.source.options.js';

/** One account beside the main one. What it leaves out is the main account's. */
export interface StripeConnectionOptions {
  /**
   * A key of this account's own. A Connect account (`acct_...`) can do without: it is read with the platform's key.
   */
  apiKey?: string;
  /** The signing secrets of the endpoint `.../<this connection>`. Without one, deliveries to it are rejected. */
  webhookSecrets?: string[];
}

/** Options of `stripe()`: how to reach one Stripe account, and how to treat it. */
export interface StripeOptions extends SourcePolicies {
  /** A secret or restricted key (`sk_...`, `rk_...`) that may read what the handlers need. */
  apiKey: string;
  /**
   * The signing secrets (`whsec_...`) of the webhook endpoint. Several while one is being rolled; a blank one beside
   * another is ignored, so that the second may come from a variable that is mostly unset.
   */
  webhookSecrets: string[];
  /**
   * Other accounts, each with a webhook URL of its own, by the name in that URL. With Connect the account's id: its
   * events come to the platform's URL too, and belong to this connection by the `account` they name. An account that
   * is not listed is accepted there as well, and read with the platform's key. Deliveries to the URL of an account, or of
   * a name with another key than the platform's, are of that account, whatever account they name.
   * @default {}
   */
  connections?: Record<string, StripeConnectionOptions>;
  /** How far a delivery's timestamp may be from now, in seconds, in the past and in the future. @default 300 */
  toleranceSeconds?: number;
  /** @default 'api.stripe.com' */
  host?: string;
  /** @default 443 */
  port?: number | string;
  /** @default 'https' */
  protocol?: 'https' | 'http';
  /** Carries the requests: an egress proxy's agent. @default one of the SDK's, with connections kept alive */
  httpAgent?: Agent;
  /** The API version of the requests. With another than the SDK's, records may not be what the types say. @default the SDK's */
  apiVersion?: string;
}

/** What of the options concerns the connector; the rest are the source's policies. */
export type StripeConnectorOptions = Omit<StripeOptions, keyof SourcePolicies>;

export const STRIPE_OPTION_NAMES = {
  apiKey: true,
  webhookSecrets: true,
  connections: true,
  toleranceSeconds: true,
  host: true,
  port: true,
  protocol: true,
  httpAgent: true,
  apiVersion: true,
} satisfies Record<keyof StripeConnectorOptions, true>;

export const STRIPE_CONNECTION_OPTION_NAMES = {
  apiKey: true,
  webhookSecrets: true,
} satisfies Record<keyof StripeConnectionOptions, true>;

export const STRIPE_TOLERANCE_SECONDS = 300;

/** The secrets that count. Tolerates what an unset environment leaves in the options. */
export function usableSecrets(secrets: readonly (string | undefined)[] | undefined): string[] {
  if (!Array.isArray(secrets)) return [];
  return secrets.filter((secret): secret is string => !isBlank(secret));
}

/** Whether a secret or key is missing: no text, or only white space. */
export function isBlank(value: unknown): boolean {
  return typeof value !== 'string' || value.trim() === '';
}
