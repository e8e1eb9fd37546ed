import { Injectable } from '@nestjs/common';
import { matchesPattern } from '../model/pattern.js';
import type { ChangeHandler, EventHandler, SyncHandler } from './sync-handler.js';

/** Which handlers listen to what. Filled once, at boot. */
@Injectable()
export class HandlerRegistry {
  private registered: readonly SyncHandler[] = [];
  private handlers: readonly SyncHandler[] = [];
  private wrap: (handler: SyncHandler) => SyncHandler = (handler) => handler;
  private readonly eventHandlersByType = new Map<string, readonly EventHandler[]>();
  private readonly changeHandlersByResource = new Map<string, readonly ChangeHandler[]>();

  register(handlers: readonly SyncHandler[]): void {
    this.registered = handlers;
    this.handlers = handlers.map(this.wrap);
    this.eventHandlersByType.clear();
    this.changeHandlersByResource.clear();
  }

  /** Puts something around the handlers, whenever they are registered. Nothing is, except by the test kit. */
  around(wrap: (handler: SyncHandler) => SyncHandler): void {
    this.wrap = wrap;
    this.register(this.registered);
  }

  all(): readonly SyncHandler[] {
    return this.handlers;
  }

  /** The handler of that name, by what it is called now or was formerly. */
  named(name: string): SyncHandler | undefined {
    return this.handlers.find(({ label }) => label === name) ?? this.handlers.find((it) => it.name === name);
  }

  /** In the order of registration. */
  eventHandlers(source: string, type: string): readonly EventHandler[] {
    return remembered(this.eventHandlersByType, `${source} ${type}`, () =>
      this.handlers.filter(
        (handler): handler is EventHandler =>
          handler.kind === 'event' &&
          handler.source === source &&
          handler.patterns.some((pattern) => matchesPattern(pattern, type)),
      ),
    );
  }

  /** In the order of registration. */
  changeHandlers(source: string, resource: string): readonly ChangeHandler[] {
    return remembered(this.changeHandlersByResource, `${source} ${resource}`, () =>
      this.handlers.filter(
        (handler): handler is ChangeHandler =>
          handler.kind === 'change' && handler.source === source && handler.resource === resource,
      ),
    );
  }

  /** Whether there is a handler for events of that type, about such a record. */
  wants(source: string, type: string, resource: string): boolean {
    return this.eventHandlers(source, type).length > 0 || this.changeHandlers(source, resource).length > 0;
  }

  /** What of a source there are handlers for, in words that can be compared: patterns of events, and resources. */
  wanted(source: string): string[] {
    const words = this.handlers
      .filter((handler) => handler.source === source)
      .flatMap((handler) =>
        handler.kind === 'event' ? handler.patterns.map((p) => `event ${p}`) : [`change ${handler.resource}`],
      );
    return [...new Set(words)].sort();
  }

  /** Whether a pass over such a record may have to fetch it, for events of these types; undefined: of any type. */
  mayHydrate(source: string, resource: string, types?: readonly string[]): boolean {
    if (this.changeHandlers(source, resource).length > 0) return true;
    const handlers = types
      ? types.flatMap((type) => this.eventHandlers(source, type))
      : this.handlers.filter((handler) => handler.kind === 'event' && handler.source === source);
    return handlers.some((handler) => handler.kind === 'event' && handler.options.hydrate !== false);
  }
}

/** Types come from outside, though verified: what is remembered of them is bounded. */
const REMEMBERED = 5_000;

function remembered<T>(map: Map<string, T>, key: string, compute: () => T): T {
  let value = map.get(key);
  if (value === undefined) {
    value = compute();
    if (map.size < REMEMBERED) map.set(key, value);
  }
  return value;
}
