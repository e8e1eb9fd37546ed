import { CronTime } from 'cron';
import type { OptionKind } from '../model/option-kinds.js';

/** A cron expression. */
export const aCron: OptionKind = {
  takes: "a cron expression, '0 3 * * *' say",
  fits: (value) => {
    try {
      return typeof value === 'string' && Boolean(new CronTime(value));
    } catch {
      return false;
    }
  },
};

/** From a time, in epoch milliseconds, until the next that fits the expression. */
export function untilNextMs(cron: string, nowMs: number): number {
  return new CronTime(cron).getNextDateFrom(new Date(nowMs)).toMillis() - nowMs;
}
