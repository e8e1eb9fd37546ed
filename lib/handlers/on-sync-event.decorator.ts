import { handlerDecorator } from './handler.metadata.js';
import type { EventHandlerOptions, SourceSelector } from './handler.options.js';

/**
 * The method is called for every event whose type fits, in order for each record, writes through
 * `context.manager` exactly once. Its parameters: `(event: SyncEvent<T>, context: SyncContext)`.
 *
 * @param source the source's name in `SyncModule.forRoot({ sources })`
 * @param pattern one or several types, in which `*` stands for any run of characters
 */
export function OnSyncEvent(
  source: SourceSelector,
  pattern: string | readonly string[],
  options: EventHandlerOptions = {},
): MethodDecorator {
  return handlerDecorator({ kind: 'event', source, patterns: [pattern].flat(), options });
}
