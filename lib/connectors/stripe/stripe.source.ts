import { isRecord } from '../../model/option-kinds.js';
import type { SyncSource } from '../../sync.source.options.js';
import { StripeConnector } from './stripe.connector.js';
import { STRIPE_OPTION_NAMES, type StripeConnectorOptions, type StripeOptions } from './stripe.options.js';

/**
 * A Stripe account as a source: `SyncModule.forRoot({ sources: { stripe: stripe({ apiKey, webhookSecrets }) } })`.
 *
 * Never throws: what is missing, wrong or misspelt in the options is reported at boot, so that an application that is
 * not to be started (tests, scripts) can be built without keys.
 */
export function stripe(options: StripeOptions): SyncSource {
  const given = Object.entries(isRecord(options) ? options : {});
  const own = given.filter(([name]) => name in STRIPE_OPTION_NAMES);
  const others = given.filter(([name]) => !(name in STRIPE_OPTION_NAMES));
  const connector = new StripeConnector(Object.fromEntries(own) as unknown as StripeConnectorOptions);
  return { ...Object.fromEntries(others), connector };
}
