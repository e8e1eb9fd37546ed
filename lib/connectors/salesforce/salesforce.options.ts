import type { SourcePolicies } from '../../sync.source.options.js';

/**
 * How to get in. Each but `token` logs in again by itself when a session ends; after a few failures in a row that is tried
 * seldom, since an org locks users out.
 */
export type SalesforceLogin =
  /** A session that someone else has opened, and that ends when it ends. */
  | { flow: 'token'; accessToken: string; instanceUrl: string }
  /** A connected app with the client credentials flow. `loginUrl`: the org's own, `https://<my domain>.my.salesforce.com`. */
  | { flow: 'client-credentials'; clientId: string; clientSecret: string; loginUrl: string }
  /** A connected app that trusts a certificate; `privateKey`: PEM of the key to it. */
  | { flow: 'jwt'; clientId: string; username: string; privateKey: string; loginUrl?: string }
  | {
      flow: 'refresh-token';
      clientId: string;
      clientSecret?: string;
      refreshToken: string;
      loginUrl?: string;
    }
  /** `password` with the security token behind it. Salesforce advises against it. */
  | {
      flow: 'password';
      clientId: string;
      clientSecret: string;
      username: string;
      password: string;
      loginUrl?: string;
    };

/** What is read of an object. */
export interface SalesforceObjectOptions {
  /** API names; `Id` and what the connector needs are read besides. @default all that the user may read */
  fields?: readonly string[];
}

/** Who may deliver outbound messages, which nobody signs: at least one of `secrets` and `certificateHeader`. */
export interface OutboundMessageOptions {
  /** The org's id, of 15 or 18 characters: messages of others are refused. */
  organizationId: string;
  /**
   * Secrets in the endpoint's address, `https://…/webhooks/<source>?secret=<one of them>`; several while one is being rolled. At least 16
   * characters each.
   */
  secrets?: readonly string[];
  /**
   * A header that your proxy sets when it has checked Salesforce's client certificate, and takes away where others set it:
   * `{ name: 'x-client-cert-sha256', value: '<fingerprint>' }`.
   */
  certificateHeader?: { name: string; value: string };
}

/** Options of `salesforce()`: how to reach an org, and how to treat it. */
export interface SalesforceOptions extends SourcePolicies {
  /** Into the main org. */
  login: SalesforceLogin;
  /**
   * The objects that handlers and mirrors are about, by their API names, parents before what refers to them:
   * `['Account', 'Invoice__c']`, or with fields: `{ Account: { fields: ['Name', 'OwnerId'] }, Invoice__c: {} }`.
   */
  objects: readonly string[] | Readonly<Record<string, SalesforceObjectOptions>>;
  /** Other orgs, by the name that their records have as `connectionId`. @default {} */
  connections?: Readonly<Record<string, SalesforceLogin>>;
  /** For outbound messages of the main org: changes are known at once, and polled besides. @default none are taken */
  outboundMessages?: OutboundMessageOptions;
  /**
   * Objects of which changes are streamed (Change Data Capture), so that they are known at once: `true` for all of `objects`, or
   * some of them. The org's settings have to name them too. They are polled besides.
   * @default false
   */
  changeDataCapture?: boolean | readonly string[];
  /**
   * Platform events that are streamed, by their API names: `['Order_Placed__e']`. Each is an event of that type, for
   * `@OnSyncEvent('crm', 'Order_Placed__e')`. Nothing but the stream tells of them: after 72 hours away they are lost.
   * @default []
   */
  platformEvents?: readonly string[];
  /**
   * Names this application in what it writes: what the stream tells of changes under this name is left out, since it is
   * known already. Applications that share an org need names of their own.
   * @default 'nestjs-hybrid-sync'
   */
  clientName?: string;
  /** @default '62.0' */
  apiVersion?: string;
  /**
   * How far each walk over changes reaches back behind the newest one seen, in seconds: a transaction's records become
   * visible when it commits, with the stamps of before.
   * @default 300
   */
  overlapSeconds?: number;
  /**
   * Listings of more records than this are read by query jobs of the Bulk API 2.0, others page by page; `Infinity`: all are
   * read page by page. A listing is an object's records, or one of the parts by age that a backfill cuts them into.
   * @default 20_000
   */
  bulkAbove?: number;
}

/** What of the options concerns the connector; the rest are the source's policies. */
export type SalesforceConnectorOptions = Omit<SalesforceOptions, keyof SourcePolicies>;

export const SALESFORCE_OPTION_NAMES: Readonly<Record<keyof SalesforceConnectorOptions, true>> = {
  login: true,
  objects: true,
  connections: true,
  outboundMessages: true,
  changeDataCapture: true,
  platformEvents: true,
  clientName: true,
  apiVersion: true,
  overlapSeconds: true,
  bulkAbove: true,
};

export const SALESFORCE_DEFAULTS = {
  apiVersion: '62.0',
  clientName: 'nestjs-hybrid-sync',
  overlapSeconds: 300,
  bulkAbove: 20_000,
  loginUrl: 'https://login.salesforce.com',
} as const;
