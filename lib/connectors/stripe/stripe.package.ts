import type Stripe from 'stripe';
import { SyncConfigError } from '../../sync.errors.js';

/**
 * The `stripe` package, which only hosts with a Stripe source have.
 * @throws SyncConfigError `SYNC_MISSING_PACKAGE` if it is not installed
 */
export async function loadStripe(load: () => unknown = defaultLoad): Promise<typeof Stripe> {
  try {
    const loaded = (await load()) as { default?: typeof Stripe };
    return loaded.default ?? (loaded as unknown as typeof Stripe);
  } catch (error) {
    // ERR_MODULE_NOT_FOUND of import(), MODULE_NOT_FOUND of require.
    if (!(error as NodeJS.ErrnoException).code?.endsWith('MODULE_NOT_FOUND')) throw error;
    throw new SyncConfigError(
      'SYNC_MISSING_PACKAGE',
      "A source uses stripe(), and the package 'stripe' is not installed. Run: npm install stripe",
    );
  }
}

/** CommonJS where there is `require`: jest without --experimental-vm-modules has no import(). */
function defaultLoad(): unknown {
  return typeof require === 'function' ? require('stripe') : import('stripe');
}
