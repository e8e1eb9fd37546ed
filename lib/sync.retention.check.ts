import { DAY_MS } from './inbox/event-retention.service.js';
import { SyncConfigError } from './sync.errors.js';
import type { ResolvedSyncOptions } from './sync.options.js';

/** Beyond a provider's own log: what was read at its very end, and came again by a resend. So, the least for any source. */
export const SPARE_DAYS = 7;

/**
 * That an event is known for as long as its provider may send it once more.
 * @throws SyncConfigError `SYNC_INVALID_OPTION`
 */
export function checkRetention({ keepEventsDays, keepBodiesDays, sources }: ResolvedSyncOptions): void {
  if (keepEventsDays < keepBodiesDays)
    throw invalid(
      `keepBodiesDays is ${keepBodiesDays}, and the events themselves go after keepEventsDays, ${keepEventsDays}: set ` +
        `keepEventsDays to at least ${keepBodiesDays}.`,
    );
  for (const [name, { connector }] of Object.entries(sources)) {
    const logDays = Math.ceil((connector.changesReachMs ?? 0) / DAY_MS);
    const least = logDays + SPARE_DAYS;
    if (keepEventsDays < least)
      throw invalid(
        `keepEventsDays is ${keepEventsDays}: an event of '${name}' that comes again after that would be handled again` +
          `${logDays > 0 ? `, and ${connector.provider} may send one for ${logDays} days` : ''}. Set it to at least ${least}.`,
      );
  }
}

function invalid(message: string): SyncConfigError {
  return new SyncConfigError('SYNC_INVALID_OPTION', message);
}
