/** Base of every error that this library makes. `code` is stable; messages may change. */
export abstract class SyncError extends Error {
  abstract readonly code: string;

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/**
 * The set-up is wrong. Thrown at boot, with the fix in the message; nothing has been started. What only a record can
 * show, the key that a mirror's function makes for it, fails that mirror's calls instead.
 */
export class SyncConfigError extends SyncError {
  constructor(
    readonly code: SyncConfigCode,
    message: string,
  ) {
    super(`${code}: ${message}`);
  }
}

export type SyncConfigCode =
  | 'SYNC_MISSING_SECRET'
  | 'SYNC_MISSING_API_KEY'
  | 'SYNC_INVALID_OPTION'
  | 'SYNC_MISSING_PACKAGE'
  | 'SYNC_UNKNOWN_SOURCE'
  | 'SYNC_AMBIGUOUS_SOURCE'
  | 'SYNC_DUPLICATE_SOURCE'
  | 'SYNC_DUPLICATE_HANDLER'
  | 'SYNC_UNFETCHABLE_RESOURCE'
  | 'SYNC_MISSING_MIRROR_ENTITY'
  | 'SYNC_MIRROR_KEY_NOT_UNIQUE'
  | 'SYNC_MISSING_DATA_SOURCE'
  | 'SYNC_MISSING_REDIS'
  | 'SYNC_UNSUPPORTED_DATABASE'
  | 'SYNC_MISSING_TABLES'
  | 'SYNC_POOL_TOO_SMALL'
  | 'SYNC_MISSING_ROOT'
  | 'SYNC_TWO_ROOTS';

/** `SyncService` or `SyncTargets` was asked for what it cannot do with `enabled: false`. */
export class SyncDisabledError extends SyncError {
  readonly code = 'SYNC_DISABLED';

  constructor(method: string, service = 'SyncService') {
    super(
      `${service}.${method}() needs the module, which is off in this process: SyncModule.forRoot({ enabled: false }). ` +
        `Set enabled: true, with role: 'none' if nothing else is to run, or do not call it here`,
    );
  }
}

/** `around` did not keep to its contract. Counts as thrown by the handler: nothing that was written is kept. */
export class AroundError extends SyncError {
  readonly code = 'SYNC_AROUND';

  constructor(handler: string, did: string) {
    super(`around() ${did} for ${handler}: it must call next() exactly once, and return what next() returns`);
  }
}

/** A verified delivery that is not what its provider sends. Answered 400 with `reason`; nothing is stored. */
export class MalformedDeliveryError extends SyncError {
  readonly code = 'SYNC_MALFORMED_DELIVERY';

  /** @param reason one short line that quotes nothing of the delivery. */
  constructor(readonly reason: string) {
    super(reason);
  }
}

/**
 * Why an API call gave no record:
 * - `rate-limited` 429: the budget pauses, no attempt is used;
 * - `unauthorized` 401 or 403: the key is wrong or may not read this;
 * - `unavailable` no answer, or one that says the provider is broken;
 * - `rejected` the provider refuses this request, and will again.
 */
export type ProviderFailure = 'rate-limited' | 'unauthorized' | 'unavailable' | 'rejected';

/** An API call that gave no record. */
export class ProviderError extends SyncError {
  readonly code = 'SYNC_PROVIDER';

  constructor(
    readonly failure: ProviderFailure,
    message: string,
    /** How long the provider asks to be left alone, in milliseconds, if it says so. */
    readonly retryAfterMs?: number,
  ) {
    super(message);
  }
}

/** A provider's log of changes no longer reaches back to where a walk stands: what lies between is not in it. */
export class CursorExpiredError extends SyncError {
  readonly code = 'SYNC_CURSOR_EXPIRED';

  constructor(
    message: string,
    /** From when on the log can be read again. */
    readonly since: Date,
  ) {
    super(message);
  }
}

/** Throw it from a handler: this will never work, do not try again. The event is dead at once, and can be replayed. */
export class UnrecoverableError extends SyncError {
  readonly code = 'SYNC_UNRECOVERABLE';
}

/** Throw it from a handler: not now, but it is no failure. Uses no attempt. */
export class RetryLaterError extends SyncError {
  readonly code = 'SYNC_RETRY_LATER';
  /** How long to wait at least, in milliseconds. */
  readonly afterMs: number;

  /** @throws RangeError unless `afterMs` is a number from 0 */
  constructor(options: { afterMs: number }, message = `retry in ${options.afterMs} ms`) {
    super(message);
    if (!(options.afterMs >= 0 && options.afterMs < Infinity))
      throw new RangeError(`RetryLaterError: afterMs must be a number from 0, and is ${options.afterMs}`);
    this.afterMs = options.afterMs;
  }
}
