import { handlerDecorator } from './handler.metadata.js';

/**
 * The method is called with every `SyncAlarm`: an event has died, events are stuck, deletions are held back. It is
 * called after the state is durable, at most once, with no transaction; what it throws is logged and hurts nobody.
 */
export function OnSyncAlarm(): MethodDecorator {
  return handlerDecorator({ kind: 'alarm' });
}
