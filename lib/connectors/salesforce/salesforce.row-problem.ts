import type { TargetRow } from '../../model/target.js';
import { UnrecoverableError } from '../../sync.errors.js';

/** Why a row cannot be told to an org at all, which says nothing of others in the same call; `null`: it can. */
export function rowProblem({ id, row }: TargetRow, object: string): UnrecoverableError | null {
  if (typeof id !== 'string' || id === '' || id !== id.trim())
    return new UnrecoverableError(
      `Salesforce: a row of ${object} has an external id that is empty, or begins or ends with blanks, which the org cuts off`,
    );
  const field = Object.entries(row ?? {}).find(([, value]) => !isTellable(value))?.[0];
  return field === undefined
    ? null
    : new UnrecoverableError(
        `Salesforce: ${object}.${field} is given what JSON has no words for: NaN, an invalid date, a BigInt, a function, or a circle`,
      );
}

/** JSON would refuse it, or make nothing of it, which clears the field. */
function isTellable(value: unknown): boolean {
  if (typeof value === 'number') return Number.isFinite(value);
  if (typeof value === 'function' || typeof value === 'symbol') return false;
  if (value instanceof Date) return !Number.isNaN(value.getTime());
  try {
    JSON.stringify(value);
    return true;
  } catch {
    return false;
  }
}
