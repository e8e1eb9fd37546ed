import type { FactoryProvider, ModuleMetadata } from '@nestjs/common';
import type { SyncSource } from '../sync.source.options.js';
import { SyncConfigError } from '../sync.errors.js';
import { anArray, anObject, type OptionKinds } from '../model/option-kinds.js';
import { optionProblem, shown } from '../model/option-problem.js';
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

const FEATURE_KINDS = { sources: anObject, mirrors: anArray } satisfies OptionKinds<SyncFeatureOptions>;

/** A `forFeature()` as the explorer finds it among the providers. */
export class SyncFeature {
  constructor(private readonly make: () => SyncFeatureOptions | Promise<SyncFeatureOptions>) {}

  /** @throws SyncConfigError `SYNC_INVALID_OPTION` */
  async options(): Promise<SyncFeatureOptions> {
    const options = await this.make();
    const problem = optionProblem(options, FEATURE_KINDS);
    if (problem) throw invalid(problem);
    const { mirrors = [] } = options;
    const wrong = mirrors.findIndex(
      (mirror: unknown) => !anObject.fits(mirror) || !('resource' in (mirror as object)),
    );
    if (wrong >= 0)
      throw invalid(
        `mirrors[${wrong}] must be made by mirror('<source>', '<resource>', { to, key, map }), and is ${shown(mirrors[wrong])}`,
      );
    return options;
  }
}

function invalid(message: string): SyncConfigError {
  return new SyncConfigError('SYNC_INVALID_OPTION', `SyncModule.forFeature(): ${message}`);
}
