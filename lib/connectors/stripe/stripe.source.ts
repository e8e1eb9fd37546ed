import type { SyncSource } from '../../sync.options.js';
import { StripeConnector } from './stripe.connector.js';
import type { StripeOptions } from './stripe.options.js';

/**
 * A Stripe account as a source: `SyncModule.forRoot({ sources: { stripe: stripe({ apiKey, webhookSecrets }) } })`.
 *
 * Never throws: what is missing or wrong in the options is reported at boot, so that an application that is not to be
 * started (tests, scripts) can be built without keys.
 */
export function stripe(options: StripeOptions): SyncSource {
  const { apiKey, webhookSecrets, connections, toleranceSeconds, ...others } = options;
  const { host, port, protocol, httpAgent, apiVersion, ...policies } = others;
  const connector = new StripeConnector({
    apiKey,
    webhookSecrets,
    connections,
    toleranceSeconds,
    host,
    port,
    protocol,
    httpAgent,
    apiVersion,
  });
  return { ...policies, connector };
}
