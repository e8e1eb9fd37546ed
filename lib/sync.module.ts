import { Module, type DynamicModule, type FactoryProvider } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import {
  SyncFeature,
  type SyncFeatureAsyncOptions,
  type SyncFeatureOptions,
} from './handlers/sync-feature.js';
import { ConfigurableModuleClass } from './sync.module-definition.js';
import { SyncService } from './sync.service.js';

/**
 * Hybrid sync in one import. `forRoot({ sources, … })` or `forRootAsync({ useFactory, inject, … })` once, in the
 * application's root module; `forFeature({ sources, mirrors })` wherever a team has its part. Handlers are methods of
 * any provider, decorated.
 */
@Module({ imports: [DiscoveryModule], exports: [SyncService] })
export class SyncModule extends ConfigurableModuleClass {
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
class SyncFeatureModule {}
