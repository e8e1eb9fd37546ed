import type jsforce from 'jsforce';
import { SyncConfigError } from '../../sync.errors.js';

export type Jsforce = typeof jsforce;

/**
 * The `jsforce` package, which only hosts with a Salesforce source have.
 * @throws SyncConfigError `SYNC_MISSING_PACKAGE` if it is not installed
 */
export async function loadJsforce(load: () => unknown = defaultLoad): Promise<Jsforce> {
  try {
    const loaded = (await load()) as { default?: Jsforce };
    return loaded.default ?? (loaded as unknown as Jsforce);
  } catch (error) {
    // ERR_MODULE_NOT_FOUND of import(), MODULE_NOT_FOUND of require.
    if (!(error as NodeJS.ErrnoException).code?.endsWith('MODULE_NOT_FOUND')) throw error;
    throw new SyncConfigError(
      'SYNC_MISSING_PACKAGE',
      "A source uses salesforce(), and the package 'jsforce' is not installed. Run: npm install jsforce@3",
    );
  }
}

/** CommonJS where there is `require`: jest without --experimental-vm-modules has no import(). */
function defaultLoad(): unknown {
  return typeof require === 'function' ? require('jsforce') : import('jsforce');
}
