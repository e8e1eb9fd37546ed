import { handlerDecorator } from './handler.metadata.js';

/**
 * The method is called with every `SyncAlarm`: an event has died, events are stuck, deletions are held back. It is
 * called after the state is durable, at most once, with no transaction; what it throws is logged and hurts nobody.
 *
 * How often: for `dead`, once for each pass in which events died, however many of them: a thousand events of one record
 * are one call, a thousand records are a thousand, as fast as passes end, and the next call does not wait for the last
 * one's promise. So gather them where they wake people. For `stuck` and `delete-cap`, once a minute for each connection
 * while it lasts, from each process.
 */
export function OnSyncAlarm(): MethodDecorator {
  return handlerDecorator({ kind: 'alarm' });
}
