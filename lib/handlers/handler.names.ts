import type { HandlerOptions } from './handler.options.js';
import type { SyncHandler } from './sync-handler.js';

/**
 * What a handler is called. For one that has been renamed the database keeps to its first name: processes of before and
 * after the change then read each other's marks, and no key changes.
 * @param otherwise its name if it is not given one
 */
export function namesOf(
  { name, formerly }: HandlerOptions,
  otherwise: string,
): Pick<SyncHandler, 'name' | 'label'> {
  const label = name ?? otherwise;
  return { name: formerly ?? label, label };
}
