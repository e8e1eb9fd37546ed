import { isRecord } from '../../model/option-kinds.js';
import type { SyncSource } from '../../sync.source.options.js';
import { SalesforceConnector } from './salesforce.connector.js';
import {
  SALESFORCE_OPTION_NAMES,
  type SalesforceConnectorOptions,
  type SalesforceOptions,
} from './salesforce.options.js';

/**
 * A Salesforce org as a source: `SyncModule.forRoot({ sources: { crm: salesforce({ login, objects: ['Account'] }) } })`.
 * Changes are polled: by stamp, deleted records among them as long as they are in the recycle bin. With `outboundMessages`
 * those that are told of are known at once.
 *
 * Never throws: what is missing, wrong or misspelt in the options is reported at boot.
 */
export function salesforce(options: SalesforceOptions): SyncSource {
  const given = Object.entries(isRecord(options) ? options : {});
  const own = given.filter(([name]) => name in SALESFORCE_OPTION_NAMES);
  const others = given.filter(([name]) => !(name in SALESFORCE_OPTION_NAMES));
  const connector = new SalesforceConnector(Object.fromEntries(own) as unknown as SalesforceConnectorOptions);
  const mode = connector.options.outboundMessages ? 'hybrid' : 'poll';
  return { mode, ...Object.fromEntries(others), connector };
}
