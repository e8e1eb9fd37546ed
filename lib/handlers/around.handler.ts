import type { ModuleRef } from '@nestjs/core';
import { AroundError, SyncConfigError } from '../sync.errors.js';
import type { Around, HandlerCall } from './around.js';
import { functionOf, providedProblem, type Provided } from './provided-function.js';
import type { ChangeHandler, EventHandler, SyncHandler } from './sync-handler.js';

/** The same handler, each call of it inside the host's `around`. */
export function handlerInside(around: Around, handler: SyncHandler): SyncHandler {
  const { label } = handler;
  if (handler.kind === 'event') {
    const call: EventHandler['call'] = (event, context) => {
      const handled: HandlerCall = { kind: 'event', handler: label, event, context };
      return callInside(around, handled, () => handler.call(event, context));
    };
    return { ...handler, call };
  }
  const call: ChangeHandler['call'] = (change, context) => {
    const handled: HandlerCall = { kind: 'change', handler: label, change, context };
    return callInside(around, handled, () => handler.call(change, context));
  };
  return { ...handler, call };
}

/**
 * The function that the host's option means.
 * @throws SyncConfigError `SYNC_INVALID_OPTION`
 */
export function aroundOf(option: Provided<'around', Around>, moduleRef: ModuleRef): Around {
  const problem =
    typeof option === 'function'
      ? providedProblem('around', option, moduleRef)
      : "around must be a function (call, next) => ..., or a provider class with such a method named 'around'";
  if (problem) throw new SyncConfigError('SYNC_INVALID_OPTION', problem);
  return functionOf('around', option, moduleRef);
}

async function callInside(around: Around, call: HandlerCall, handle: () => Promise<unknown>): Promise<void> {
  let handled: Promise<void> | undefined;
  let misuse: AroundError | undefined;
  const next = () => {
    if (handled)
      return quietly(Promise.reject((misuse = new AroundError(call.handler, 'called next() twice'))));
    return (handled = quietly(handle().then(() => undefined)));
  };
  try {
    await around(call, next);
  } finally {
    // It may not have waited for it: the transaction must not end under a handler that still runs.
    handled ??= quietly(Promise.reject(new AroundError(call.handler, 'returned without calling next()')));
    await Promise.allSettled([handled]);
  }
  await handled;
  if (misuse) throw misuse;
}

/** A rejection that the host does not look at must not end its process. */
function quietly(promise: Promise<void>): Promise<void> {
  promise.catch(() => undefined);
  return promise;
}
