import { aFunction, aText, aWholeNumber, isRecord, type OptionKind } from '../../model/option-kinds.js';
import type { Target } from '../../model/target.js';
import type { SyncSource } from '../../sync.source.options.js';
import { assertSource } from '../source-selector.js';

export const aTarget: OptionKind = {
  takes:
    'a target with a name, of at most 200 characters, a method `write`, methods only for `read` and `isSame`, and a whole number ' +
    'from 1 for `mostRows`',
  fits: (value) =>
    isRecord(value) &&
    aText(200).fits(value.name) &&
    aFunction.fits(value.write) &&
    (value.mostRows === undefined || aWholeNumber(1).fits(value.mostRows)) &&
    [value.read, value.isSame].every((method) => method === undefined || aFunction.fits(method)),
};

/**
 * What is wrong with a target, held against the sources of the application; `null`: nothing.
 * @param label of who writes there
 * @throws SyncConfigError `SYNC_UNKNOWN_SOURCE`
 */
export function targetProblem(
  target: Target,
  sources: Readonly<Record<string, SyncSource>>,
  label: string,
): string | null {
  const { name, source } = target;
  if (source === undefined) return target.problem?.(undefined) ?? null;
  assertSource(source, sources, `${label} writes to '${name}' of`);
  return target.problem?.(sources[source]!.connector) ?? null;
}
