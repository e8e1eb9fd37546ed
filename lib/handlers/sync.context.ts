import type { LoggerService } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { EventOrigin, SyncEvent } from '../model/event.js';
import type { HydratedRecord } from '../model/record.js';

/**
 * What a handler is given beside its event or change.
 *
 * An abstract class and not an interface, so that it can stand in a decorated method's signature (TS1272).
 */
export abstract class SyncContext<T = any> {
  /** The record, with `data` as the API gave it for this pass; `data` is null if it is gone or was not fetched. */
  readonly record!: HydratedRecord<T>;
  /**
   * Writes through it commit together with the mark that says that this handler is done, so they happen exactly
   * once. Writes on any other connection, an injected repository's included, do not: they happen at least once.
   * Throws `SYNC_NO_TRANSACTION` in a handler with `transaction: 'none'`.
   */
  readonly manager!: EntityManager;
  /** How the event, or the newest event behind a change, became known. */
  readonly origin!: EventOrigin;
  /** 1 for the first attempt. */
  readonly attempt!: number;
  /**
   * A UUID for effects elsewhere, equal on every attempt: of an event for this event and handler; of a change for
   * this record, version, content and handler. A replay of all handlers makes a new one.
   */
  readonly idempotencyKey!: string;
  /** Aborted when the handler's time is up or the application stops. Not when its lease is lost: the settle finds out. */
  readonly signal!: AbortSignal;
  /** A logger that names the handler and the record. */
  readonly logger!: LoggerService;
  /** The waiting events behind a change, oldest first; of an event handler, the event itself. */
  readonly events!: readonly SyncEvent[];
}
