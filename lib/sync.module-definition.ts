import { ConfigurableModuleBuilder, type DynamicModule } from '@nestjs/common';
import { SyncTargets } from './handlers/targets/sync-targets.js';
import { DisabledSyncService, DisabledSyncTargets } from './sync.disabled.js';
import { SYNC_EXTRAS, SYNC_OPTIONS, type SyncModuleExtras, type SyncOptions } from './sync.options.js';
import { SyncRootMarker } from './sync.root-marker.js';
import { rootControllers, rootProviders } from './sync.providers.js';
import { SyncService } from './sync.service.js';

/** Named, all of them, so that none is left among the options. */
const NO_EXTRAS = {
  enabled: undefined,
  role: undefined,
  webhooks: undefined,
  dataSource: undefined,
  isGlobal: undefined,
} satisfies Record<keyof SyncModuleExtras, undefined>;

export const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN, OPTIONS_TYPE, ASYNC_OPTIONS_TYPE } =
  new ConfigurableModuleBuilder<SyncOptions>({ optionsInjectionToken: SYNC_OPTIONS })
    .setClassMethodName('forRoot')
    .setExtras<SyncModuleExtras>(NO_EXTRAS, (definition, extras) => ({
      ...definition,
      global: extras.isGlobal ?? true,
      ...(extras.enabled === false ? disabled() : enabled(definition, extras)),
    }))
    .build();

type Parts = Pick<DynamicModule, 'controllers' | 'providers'>;

function enabled({ providers = [] }: DynamicModule, extras: SyncModuleExtras): Parts {
  return {
    controllers: rootControllers(extras),
    providers: [
      ...providers,
      { provide: SYNC_EXTRAS, useValue: extras },
      SyncRootMarker,
      ...rootProviders(extras),
    ],
  };
}

/** Without the options either: a factory may ask for keys that are not there. */
function disabled(): Parts {
  return {
    providers: [
      SyncRootMarker,
      { provide: SyncService, useClass: DisabledSyncService },
      { provide: SyncTargets, useClass: DisabledSyncTargets },
    ],
  };
}
