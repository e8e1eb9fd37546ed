import type { ChangeHandlerOptions } from '../../handlers/handler.options.js';
import { OnSyncChange } from '../../handlers/on-sync-change.decorator.js';

/** Options of `@OnSalesforceChange`. `T`: the record's type. */
export type OnSalesforceChangeOptions<T> = ChangeHandlerOptions<T> & {
  /** The source's name, where the application has several Salesforce sources. @default the only one */
  source?: string;
};

/**
 * The method is called with the newest state of every record of a Salesforce object, as `OnSyncChange` says:
 * `(change: SyncChange<Account>, context: SyncContext)`. Ids in `change.record` have 18 characters, and `change.data` the
 * fields that the source reads, by their API names.
 *
 * @param object its API name, one of the source's `objects`
 */
export function OnSalesforceChange<T extends object = Record<string, any>>(
  object: string,
  options: OnSalesforceChangeOptions<T> = {},
): MethodDecorator {
  const { source, ...others } = options;
  return OnSyncChange({ provider: 'salesforce', source }, object, others as ChangeHandlerOptions);
}
