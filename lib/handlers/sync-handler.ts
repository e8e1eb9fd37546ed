import type { SyncChange } from '../model/change.js';
import type { SyncEvent } from '../model/event.js';
import type { SyncContext } from './sync.context.js';
import type { ChangeHandlerOptions, EventHandlerOptions } from './handler.options.js';

interface Registered {
  /** Its identity in the database. */
  readonly name: string;
  /** Its name in the code. */
  readonly label: string;
  readonly source: string;
}

/** An event handler as the explorer found it. */
export interface EventHandler extends Registered {
  readonly kind: 'event';
  readonly patterns: readonly string[];
  readonly options: EventHandlerOptions;
  call(event: SyncEvent, context: SyncContext): Promise<unknown>;
}

/** A change handler: a decorated method or a mirror. */
export interface ChangeHandler extends Registered {
  readonly kind: 'change';
  readonly resource: string;
  readonly options: ChangeHandlerOptions;
  call(change: SyncChange, context: SyncContext): Promise<unknown>;
}

export type SyncHandler = EventHandler | ChangeHandler;
