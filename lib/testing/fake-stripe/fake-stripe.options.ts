/** How a FakeStripe is started. */
export interface FakeStripeOptions {
  /** The only key that the API takes. @default 'sk_test_fake' */
  apiKey?: string;
  /** What webhooks are signed with; with several, each is signed with all of them. @default 'whsec_fake' */
  webhookSecret?: string | readonly string[];
  /** Where webhooks go. @default nowhere, until `deliverTo` */
  webhookUrl?: string;
  /** The API's port on 127.0.0.1. @default any that is free */
  port?: number;
  /**
   * Ids and faults follow from it: the same seed and the same calls give the same run. Two fakes with one seed give the
   * same ids, so give two that feed one database different seeds.
   * @default 1
   */
  seed?: number;
  /** The clock of everything that is dated, `created` and the time in signatures included. @default the system's */
  now?: () => Date;
  /** Waits between the attempts of one webhook, in milliseconds. Stripe's are hours. @default [50, 200, 1000] */
  retryDelaysMs?: readonly number[];
  /** How many webhooks are under way at once. @default 32 */
  webhookConcurrency?: number;
  /** How long an endpoint may take, in milliseconds. @default 20_000 */
  webhookTimeoutMs?: number;
  /** How long events stay in the log, in days of the fake's clock. @default 30, as Stripe's do */
  eventRetentionDays?: number;
}
