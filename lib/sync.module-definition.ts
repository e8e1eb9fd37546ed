import { ConfigurableModuleBuilder } from '@nestjs/common';
import { SYNC_EXTRAS, SYNC_OPTIONS, type SyncModuleExtras, type SyncOptions } from './sync.options.js';
import { SyncRootMarker } from './sync.root-marker.js';
import { rootControllers, rootProviders } from './sync.providers.js';

/** Named, all of them, so that none is left among the options. */
const NO_EXTRAS = { webhooks: undefined, dataSource: undefined, isGlobal: undefined } satisfies Record<
  keyof SyncModuleExtras,
  undefined
>;

export const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN, OPTIONS_TYPE, ASYNC_OPTIONS_TYPE } =
  new ConfigurableModuleBuilder<SyncOptions>({ optionsInjectionToken: SYNC_OPTIONS })
    .setClassMethodName('forRoot')
    .setExtras<SyncModuleExtras>(NO_EXTRAS, (definition, extras) => ({
      ...definition,
      global: extras.isGlobal ?? true,
      controllers: rootControllers(extras),
      providers: [
        ...(definition.providers ?? []),
        { provide: SYNC_EXTRAS, useValue: extras },
        SyncRootMarker,
        ...rootProviders(extras),
      ],
    }))
    .build();
