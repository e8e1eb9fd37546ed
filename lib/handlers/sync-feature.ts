import { SyncConfigError } from '../sync.errors.js';
import { anArray, anObject, type OptionKinds } from '../model/option-kinds.js';
import { optionProblem, shown } from '../model/option-problem.js';
import type { Mirror } from './mirror.js';

/** What a team adds with `SyncModule.forFeature()`. */
export interface SyncFeatureOptions {
  /** Tables of yours that follow records at a source. */
  mirrors?: readonly Mirror[];
}

const FEATURE_KINDS = { mirrors: anArray } satisfies OptionKinds<SyncFeatureOptions>;

/** A `forFeature()` as the explorer finds it among the providers. */
export class SyncFeature {
  constructor(private readonly options: SyncFeatureOptions) {}

  /** @throws SyncConfigError `SYNC_INVALID_OPTION` */
  mirrors(): readonly Mirror[] {
    const problem = optionProblem(this.options, FEATURE_KINDS);
    if (problem) throw invalid(problem);
    const { mirrors = [] } = this.options;
    const wrong = mirrors.findIndex(
      (mirror: unknown) => !anObject.fits(mirror) || !('resource' in (mirror as object)),
    );
    if (wrong >= 0)
      throw invalid(
        `mirrors[${wrong}] must be made by mirror('<source>', '<resource>', { to, key, map }), and is ${shown(mirrors[wrong])}`,
      );
    return mirrors;
  }
}

function invalid(message: string): SyncConfigError {
  return new SyncConfigError('SYNC_INVALID_OPTION', `SyncModule.forFeature(): ${message}`);
}
