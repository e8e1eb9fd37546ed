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

export function addHandlerMetadata(target: object, metadata: HandlerMetadata): void {
  Reflect.defineMetadata(HANDLERS, [...handlerMetadataOf(target), metadata], target);
}

export function handlerMetadataOf(target: object): readonly HandlerMetadata[] {
  return (Reflect.getMetadata(HANDLERS, target) as HandlerMetadata[] | undefined) ?? [];
}
