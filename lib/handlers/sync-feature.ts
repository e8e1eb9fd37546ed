import type { FactoryProvider, ModuleMetadata } from '@nestjs/common';
import type { SyncSource } from '../sync.options.js';
import type { Mirror } from './mirror.js';

/** What a team adds with `SyncModule.forFeature()`. */
export interface SyncFeatureOptions {
  /** More systems to sync with, by a name that nobody else in the application uses. Held to the same as the root's. */
  sources?: Record<string, SyncSource>;
  /** Tables of yours that follow records at a source. */
  mirrors?: readonly Mirror[];
}

/** What `SyncModule.forFeatureAsync()` takes. */
export interface SyncFeatureAsyncOptions extends Pick<ModuleMetadata, 'imports'> {
  /** The parameters of the factory. */
  inject?: FactoryProvider['inject'];
  /** Called once, at boot; not at all with `enabled: false`. */
  useFactory: (...dependencies: any[]) => SyncFeatureOptions | Promise<SyncFeatureOptions>;
}

/** A `forFeature()` as the explorer finds it among the providers. */
export class SyncFeature {
  constructor(readonly options: () => SyncFeatureOptions | Promise<SyncFeatureOptions>) {}
}
