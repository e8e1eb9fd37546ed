import type { EntityManager } from 'typeorm';
import type { SyncChange } from '../model/change.js';
import type { SyncEvent } from '../model/event.js';
import type { RecordRef } from '../model/record.js';
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
  /**
   * Those of the records whose target is not as this handler would write it, by id. Missing: nobody can tell.
   * @param manager of the host's data source; for reading
   */
  differing?(records: readonly ReadRecord[], manager: EntityManager): Promise<Set<string>>;
}

/** A record with its content, alive. */
export interface ReadRecord {
  readonly record: RecordRef;
  readonly data: object;
}

export type SyncHandler = EventHandler | ChangeHandler;
