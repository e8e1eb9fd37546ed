import { SyncConfigError } from './sync.errors.js';

/**
 * A package that only those hosts have installed which use what needs it.
 * @param load imports it: by `require` where there is one, since jest without --experimental-vm-modules has no import()
 * @param usedBy what the host has written that needs it
 * @param install what to give to `npm install`
 * @throws SyncConfigError `SYNC_MISSING_PACKAGE` if it is not installed
 */
export async function loadPackage<T>(load: () => unknown, usedBy: string, install: string): Promise<T> {
  try {
    return (await load()) as T;
  } catch (error) {
    // ERR_MODULE_NOT_FOUND of import(), MODULE_NOT_FOUND of require.
    if (!(error as NodeJS.ErrnoException).code?.endsWith('MODULE_NOT_FOUND')) throw error;
    throw new SyncConfigError(
      'SYNC_MISSING_PACKAGE',
      `${usedBy} is used, and what it needs is not installed. Run: npm install ${install}`,
    );
  }
}
