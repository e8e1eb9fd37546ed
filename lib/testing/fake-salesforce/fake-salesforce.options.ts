/** How a FakeSalesforce is started. */
export interface FakeSalesforceOptions {
  /**
   * Ids and faults follow from it: the same seed and the same calls give the same run. Two fakes with one seed give the
   * same ids.
   * @default 1
   */
  seed?: number;
  /** The API's port on 127.0.0.1. @default any that is free */
  port?: number;
  /** The clock of everything that is dated. @default the system's */
  now?: () => Date;
  /** @default '00DFk000000fake' with its suffix */
  orgId?: string;
  /** A session that is there from the start. @default one that follows from the seed */
  accessToken?: string;
  /** @default 'integration@example.com' */
  username?: string;
  /** @default 'password' */
  password?: string;
  /** The consumer key of the connected app. @default 'client_fake' */
  clientId?: string;
  /** @default 'secret_fake' */
  clientSecret?: string;
  /** @default 'refresh_fake' */
  refreshToken?: string;
  /** API calls within 24 hours. @default 100_000 */
  dailyLimit?: number;
}

/** With every default in place. */
export type ResolvedFakeSalesforceOptions = Required<Omit<FakeSalesforceOptions, 'port' | 'now'>> & {
  /** The only user. */
  readonly userId: string;
};
