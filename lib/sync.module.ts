import { Module, type DynamicModule, type FactoryProvider, type OnModuleInit } from '@nestjs/common';
import { DiscoveryModule, ModulesContainer } from '@nestjs/core';
import {
  SyncFeature,
  type SyncFeatureAsyncOptions,
  type SyncFeatureOptions,
} from './handlers/sync-feature.js';
import { SyncTargets } from './handlers/targets/sync-targets.js';
import { isRecord } from './model/option-kinds.js';
import { SyncConfigError } from './sync.errors.js';
import {
  ConfigurableModuleClass,
  type ASYNC_OPTIONS_TYPE,
  type OPTIONS_TYPE,
} from './sync.module-definition.js';
import { checkFactory } from './sync.options.check.js';
import { SyncRootMarker } from './sync.root-marker.js';
import { SyncService } from './sync.service.js';

/**
 * Hybrid sync in one import. `forRoot({ sources, … })` or `forRootAsync({ useFactory, inject, … })` once, in the
 * application's root module; `forFeature({ sources, mirrors })` wherever a team has its part. Handlers are methods of
 * any provider, decorated.
 */
@Module({ imports: [DiscoveryModule], exports: [SyncService, SyncTargets] })
export class SyncModule extends ConfigurableModuleClass {
  /** Once, in the application's root module. What is wrong with the options is told at boot, not here. */
  static override forRoot(options: typeof OPTIONS_TYPE): DynamicModule {
    return super.forRoot(isRecord(options) ? options : ({} as typeof OPTIONS_TYPE));
  }

  /**
   * As `forRoot()`, with options that need other providers: `{ useFactory, inject }`. What shapes the module itself
   * (`enabled`, `role`, `webhooks`, `dataSource`, `isGlobal`) stands beside the factory.
   * @throws SyncConfigError if it is not told where to get the options from
   */
  static override forRootAsync(options: typeof ASYNC_OPTIONS_TYPE): DynamicModule {
    checkFactory(options);
    return super.forRootAsync(options);
  }

  /** What a team adds: sources and mirrors of its own. As often as wanted. */
  static forFeature(options: SyncFeatureOptions): DynamicModule {
    return SyncModule.forFeatureAsync({ useFactory: () => options });
  }

  /** The same from a factory: `forFeatureAsync({ inject: [ConfigService], useFactory: (config) => ({ … }) })`. */
  static forFeatureAsync({ imports, inject, useFactory }: SyncFeatureAsyncOptions): DynamicModule {
    const feature: FactoryProvider = {
      // A token of its own for each, so that none takes another's place.
      provide: Symbol('SyncFeature'),
      inject,
      // Called by the root, if that is enabled: a factory may ask for keys that are not there.
      useFactory: (...dependencies: unknown[]) => new SyncFeature(() => useFactory(...dependencies)),
    };
    return { module: SyncFeatureModule, imports, providers: [feature] };
  }
}

@Module({})
class SyncFeatureModule implements OnModuleInit {
  constructor(private readonly modules: ModulesContainer) {}

  /** Without a root nothing would ever look at the mirrors. */
  onModuleInit(): void {
    if ([...this.modules.values()].some((module) => module.hasProvider(SyncRootMarker))) return;
    throw new SyncConfigError(
      'SYNC_MISSING_ROOT',
      'SyncModule.forFeature() is imported, and SyncModule.forRoot() is not, so its mirrors would never run. ' +
        'Import SyncModule.forRoot({ sources: { ... } }) in your root module.',
    );
  }
}
