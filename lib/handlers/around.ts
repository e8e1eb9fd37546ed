import type { SyncChange } from '../model/change.js';
import type { SyncEvent } from '../model/event.js';
import type { SyncContext } from './sync.context.js';

/** One call of a handler, as `around` sees it: what is handled, by whom, and the context that the handler is given. */
export type HandlerCall =
  | {
      readonly kind: 'event';
      /** The handler's name. */
      readonly handler: string;
      readonly event: SyncEvent;
      readonly context: SyncContext;
    }
  | {
      readonly kind: 'change';
      /** The handler's name. */
      readonly handler: string;
      readonly change: SyncChange;
      readonly context: SyncContext;
    };

/**
 * Wraps each call of a handler or mirror. It calls `next()` exactly once, which runs the handler, and is over when it
 * has returned. What it throws counts as thrown by the handler; what the handler throws counts even if it is caught here.
 */
export type Around = (call: HandlerCall, next: () => Promise<void>) => unknown;

/** An `around` with dependencies: a provider of the host's, in the default scope. */
export interface HandlerAround {
  around: Around;
}
