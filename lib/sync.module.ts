import { Module, type DynamicModule } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { SyncFeature, type SyncFeatureOptions } from './handlers/sync-feature.js';
import { ConfigurableModuleClass } from './sync.module-definition.js';
import { SyncService } from './sync.service.js';

/**
 * Hybrid sync in one import. `forRoot({ sources, … })` or `forRootAsync({ useFactory, inject, … })` once, in the
 * application's root module; `forFeature({ mirrors })` wherever a team has its part. Handlers are methods of any
 * provider, decorated.
 */
@Module({ imports: [DiscoveryModule], exports: [SyncService] })
export class SyncModule extends ConfigurableModuleClass {
  /** What a team adds: mirrors of its own. As often as wanted. */
  static forFeature(options: SyncFeatureOptions): DynamicModule {
    return {
      module: SyncFeatureModule,
      // A token of its own for each, so that none takes another's place.
      providers: [{ provide: Symbol('SyncFeature'), useValue: new SyncFeature(options) }],
    };
  }
}

@Module({})
class SyncFeatureModule {}
