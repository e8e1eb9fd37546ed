import { handlerDecorator } from './handler.metadata.js';
import type { ChangeHandlerOptions, SourceSelector } from './handler.options.js';

/**
 * The method is called with the newest state of every record of a resource that is different from what it was called
 * with last; several events may come as one call. Its parameters: `(change: SyncChange<T>, context: SyncContext)`.
 *
 * A new handler first runs at a record's next event, not for all records at once.
 *
 * @param source the source's name in `SyncModule.forRoot({ sources })`
 * @param resource the kind of record, in the provider's word
 */
export function OnSyncChange(
  source: SourceSelector,
  resource: string,
  options: ChangeHandlerOptions = {},
): MethodDecorator {
  return handlerDecorator({ kind: 'change', source, resource, options });
}
