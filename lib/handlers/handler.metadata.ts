import { SyncConfigError } from '../sync.errors.js';
import type { ChangeHandlerOptions, EventHandlerOptions, SourceSelector } from './handler.options.js';

/** What a decorator leaves on a method. */
export type HandlerMetadata =
  | {
      readonly kind: 'event';
      readonly source: SourceSelector;
      readonly patterns: readonly string[];
      readonly options: EventHandlerOptions;
    }
  | {
      readonly kind: 'change';
      readonly source: SourceSelector;
      readonly resource: string;
      readonly options: ChangeHandlerOptions;
    }
  | { readonly kind: 'alarm' };

// A registered symbol: two copies of this package in one process still see each other's handlers.
const HANDLERS = Symbol.for('nestjs-hybrid-sync:handlers');

/**
 * A decorator that leaves this on its method.
 * @throws SyncConfigError on what is no method of an instance: it would never be called
 */
export function handlerDecorator(metadata: HandlerMetadata): MethodDecorator {
  return (target, key, descriptor: PropertyDescriptor | undefined) => {
    const method: unknown = descriptor?.value;
    if (typeof method !== 'function' || typeof target === 'function')
      throw new SyncConfigError(
        'SYNC_INVALID_OPTION',
        `${String(key)} is decorated as a handler and is no method of an instance: write it as a method, not as a ` +
          'static one, a property or an accessor.',
      );
    Reflect.defineMetadata(HANDLERS, [...handlerMetadataOf(method), metadata], method);
  };
}

export function handlerMetadataOf(target: object): readonly HandlerMetadata[] {
  return (Reflect.getMetadata(HANDLERS, target) as HandlerMetadata[] | undefined) ?? [];
}
