import type jsforce from 'jsforce';
import { loadPackage } from '../../sync.package.js';

export type Jsforce = typeof jsforce;

/**
 * The `jsforce` package, which only hosts with a Salesforce source have.
 * @throws SyncConfigError `SYNC_MISSING_PACKAGE` if it is not installed
 */
export async function loadJsforce(load: () => unknown = defaultLoad): Promise<Jsforce> {
  const loaded = await loadPackage<{ default?: Jsforce }>(load, 'salesforce()', 'jsforce@3');
  return loaded.default ?? (loaded as unknown as Jsforce);
}

function defaultLoad(): unknown {
  return typeof require === 'function' ? require('jsforce') : import('jsforce');
}
