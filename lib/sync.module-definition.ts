import { ConfigurableModuleBuilder, type DynamicModule } from '@nestjs/common';
import { DisabledSyncService } from './sync.disabled.js';
import type { SyncModuleExtras, SyncOptions } from './sync.options.js';
import { SyncRootMarker } from './sync.root-marker.js';
import { rootControllers, rootProviders, SYNC_OPTIONS } from './sync.providers.js';
import { SyncService } from './sync.service.js';

export const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN, OPTIONS_TYPE, ASYNC_OPTIONS_TYPE } =
  new ConfigurableModuleBuilder<SyncOptions>({ optionsInjectionToken: SYNC_OPTIONS })
    .setClassMethodName('forRoot')
    .setExtras<SyncModuleExtras>({ isGlobal: true }, (definition, extras) => ({
      ...definition,
      global: extras.isGlobal,
      ...(extras.enabled === false ? disabled() : enabled(definition, extras)),
    }))
    .build();

type Parts = Pick<DynamicModule, 'controllers' | 'providers'>;

function enabled({ providers = [] }: DynamicModule, extras: SyncModuleExtras): Parts {
  return {
    controllers: rootControllers(extras),
    providers: [...providers, SyncRootMarker, ...rootProviders(extras)],
  };
}

/** Without the options either: a factory may ask for keys that are not there. */
function disabled(): Parts {
  return { providers: [SyncRootMarker, { provide: SyncService, useClass: DisabledSyncService }] };
}
