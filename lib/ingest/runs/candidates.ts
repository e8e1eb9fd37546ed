import type { Difference } from '../listing/comparison.service.js';
import type { LocalDifference } from '../listing/target-comparison.service.js';
import type { Candidate } from './finding.service.js';

/** An adopted row that is not as it should be was never right. */
export function localCandidateOf(
  different: readonly Difference[],
): (difference: LocalDifference) => Candidate {
  return ({ record, recordKey, version }) => {
    const adopted = different.some((each) => each.recordKey.equals(recordKey));
    return { record, recordKey, version, savedAt: null, kind: adopted ? 'stale' : 'local' };
  };
}

/** What is not known yet is none, unless the listing has too little of it to tell. */
export function candidateOf({ kind, listed, ...difference }: Difference): Candidate[] {
  if (kind !== 'unsure') return [{ ...difference, kind }];
  return listed.data === null ? [{ ...difference, kind: 'stale' }] : [];
}
