import type Stripe from 'stripe';
import { loadPackage } from '../../sync.package.js';

/**
 * The `stripe` package, which only hosts with a Stripe source have.
 * @throws SyncConfigError `SYNC_MISSING_PACKAGE` if it is not installed
 */
export async function loadStripe(load: () => unknown = defaultLoad): Promise<typeof Stripe> {
  const loaded = await loadPackage<{ default?: typeof Stripe }>(load, 'stripe()', 'stripe');
  return loaded.default ?? (loaded as unknown as typeof Stripe);
}

function defaultLoad(): unknown {
  return typeof require === 'function' ? require('stripe') : import('stripe');
}
