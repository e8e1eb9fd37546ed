import type { Mirror } from './mirror.js';

/** What a team adds with `SyncModule.forFeature()`. */
export interface SyncFeatureOptions {
  /** Tables of yours that follow records at a source. */
  mirrors?: readonly Mirror[];
}

/** A `forFeature()` as the explorer finds it among the providers. */
export class SyncFeature {
  constructor(readonly options: SyncFeatureOptions) {}
}
