import type { EntityManager } from 'typeorm';
import type { SyncChange } from '../model/change.js';
import type { SyncEvent } from '../model/event.js';
import type { RecordRef } from '../model/record.js';
import type { Target, TargetRow } from '../model/target.js';
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
  /** Those of the records whose target is not as this handler would write it, by id. Missing: nobody can tell. */
  differing?(records: readonly ReadRecord[], reading: TargetReading): Promise<Set<string>>;
}

/** What a handler is given to read with. No transaction is open meanwhile. */
export interface TargetReading {
  /** Of the host's data source. */
  readonly manager: EntityManager;
  /** Rows as they stand at a target, in the order in which they are asked for; `null`: there is none. */
  rowsAt(target: Target, rows: readonly TargetRow[]): Promise<readonly (object | null)[]>;
}

/** A record with its content, alive. */
export interface ReadRecord {
  readonly record: RecordRef;
  readonly data: object;
}

export type SyncHandler = EventHandler | ChangeHandler;
