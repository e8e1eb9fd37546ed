import { ConfigurableModuleBuilder, type DynamicModule } from '@nestjs/common';
import { SyncTargets } from './handlers/targets/sync-targets.js';
import { DisabledSyncService, DisabledSyncTargets } from './sync.disabled.js';
import {
  SYNC_EXTRAS,
  SYNC_OPTIONS,
  type SyncModuleExtras,
  type SyncOptions,
  type SyncQueue,
} from './sync.options.js';
import { SyncRootMarker } from './sync.root-marker.js';
import { isQueue } from './sync.options.check.js';
import { rootControllers, rootProviders } from './sync.providers.js';
import { SyncService } from './sync.service.js';

/** Named, all of them, so that none is left among the options. */
const NO_EXTRAS = {
  enabled: undefined,
  role: undefined,
  webhooks: undefined,
  dataSource: undefined,
  queue: undefined,
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

type Parts = Pick<DynamicModule, 'imports' | 'controllers' | 'providers'>;

function enabled({ imports = [], providers = [] }: DynamicModule, extras: SyncModuleExtras): Parts {
  return {
    imports: [...imports, ...queueModule(extras.queue)],
    controllers: rootControllers(extras),
    providers: [
      ...providers,
      { provide: SYNC_EXTRAS, useValue: extras },
      SyncRootMarker,
      ...rootProviders(extras),
    ],
  };
}

function queueModule(queue: SyncQueue | undefined): Promise<DynamicModule>[] {
  if (!isQueue(queue)) return [];
  const module = queue.module();
  // Nest asks for it when it boots; until then nobody listens.
  module.catch(() => undefined);
  return [module];
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
