import { ConfigurableModuleBuilder } from '@nestjs/common';
import type { SyncModuleExtras, SyncOptions } from './sync.options.js';
import { SyncRootMarker } from './sync.root-marker.js';
import { rootControllers, rootProviders, SYNC_OPTIONS } from './sync.providers.js';

export const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN, OPTIONS_TYPE, ASYNC_OPTIONS_TYPE } =
  new ConfigurableModuleBuilder<SyncOptions>({ optionsInjectionToken: SYNC_OPTIONS })
    .setClassMethodName('forRoot')
    .setExtras<SyncModuleExtras>({ isGlobal: true }, (definition, extras) => ({
      ...definition,
      global: extras.isGlobal,
      controllers: rootControllers(extras),
      providers: [...(definition.providers ?? []), SyncRootMarker, ...rootProviders(extras)],
    }))
    .build();
