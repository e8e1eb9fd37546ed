import { Injectable } from '@nestjs/common';
import { ContextIdFactory, DiscoveryService, MetadataScanner, ModuleRef } from '@nestjs/core';
import type { InstanceWrapper } from '@nestjs/core/injector/instance-wrapper.js';
import { handlerMetadataOf, type HandlerMetadata } from './handler.metadata.js';
import { SyncFeature, type SyncFeatureOptions } from './sync-feature.js';

/** A decorated method as found, its source not yet looked up. */
export interface FoundMethod {
  /** `Class.method` */
  readonly label: string;
  readonly metadata: HandlerMetadata;
  call(subject: unknown, context?: object): Promise<unknown>;
}

type Methods = Record<string, (...args: unknown[]) => unknown>;

/** Finds what the host has decorated or declared. Runs once, at boot, and changes nothing. */
@Injectable()
export class HandlerExplorer {
  constructor(
    private readonly discovery: DiscoveryService,
    private readonly scanner: MetadataScanner,
    private readonly moduleRef: ModuleRef,
  ) {}

  methods(): FoundMethod[] {
    const wrappers = [...this.discovery.getProviders(), ...this.discovery.getControllers()];
    return wrappers
      .filter((wrapper) => wrapper.instance && !wrapper.isAlias)
      .flatMap((wrapper) => this.methodsOf(wrapper));
  }

  /** What each `SyncModule.forFeature()` adds. */
  features(): Promise<SyncFeatureOptions[]> {
    const features = this.discovery
      .getProviders()
      .map(({ instance }): unknown => instance)
      .filter((instance) => instance instanceof SyncFeature);
    return Promise.all(features.map(async (feature) => feature.options()));
  }

  private methodsOf(wrapper: InstanceWrapper): FoundMethod[] {
    const instance = wrapper.instance as Methods;
    const prototype = Object.getPrototypeOf(instance) as Methods | null;
    if (!prototype) return [];
    return this.scanner.getAllMethodNames(prototype).flatMap((method) =>
      handlerMetadataOf(prototype[method]!).map((metadata) => ({
        label: `${instance.constructor.name}.${method}`,
        metadata,
        call: async (subject: unknown, context?: object) =>
          (await this.instanceFor(wrapper, context))[method]!(subject, context),
      })),
    );
  }

  /**
   * A request-scoped provider is made anew for each call, with the context as its request; so is a transient one, of
   * which the wrapper holds only a shell that was never constructed.
   */
  private async instanceFor(wrapper: InstanceWrapper, context?: object): Promise<Methods> {
    if (wrapper.isDependencyTreeStatic() && !wrapper.isTransient) return wrapper.instance as Methods;
    const contextId = ContextIdFactory.create();
    this.moduleRef.registerRequestByContextId(context, contextId);
    return this.moduleRef.resolve(wrapper.token as string, contextId, { strict: false });
  }
}
