import { SalesforceApiError } from './api-error.js';
import { ok, type ApiParts, type Call, type Route } from './route.js';
import { formatTime, parseTime } from './dates.js';

const MINUTE = 60_000;
const DAY = 86_400_000;

/** So far back can be asked for, in days. */
const UPDATED_DAYS = 30;
const DELETED_DAYS = 15;

const MOST_IDS = 600_000;

/** `updated` and `deleted`: the ids of what was changed within a time of whole minutes. */
export function replicationRoutes({ store }: ApiParts): Route[] {
  const within = (call: Call, days: number) => {
    const object = store.schema.inPath(call.parts[0] ?? '');
    const { start = '', end = '' } = call.request.entry.query;
    const [from, to] = [minuteOf(start), minuteOf(end)];
    const now = store.now().getTime();
    if (Number.isNaN(from) || Number.isNaN(to)) throw invalidDates('startDate and endDate must be times');
    if (to - from < MINUTE) throw invalidDates('endDate must be at least one minute after startDate');
    if (now - from > days * DAY) throw invalidDates(`startDate cannot be more than ${days} days ago`);
    const rows = [...store.all(object.name), ...store.erasedOf(object.name)].filter((record) => {
      const at = parseTime(String(record.fields.SystemModstamp));
      return at >= from && at < to;
    });
    if (rows.length > MOST_IDS) throw new SalesforceApiError(400, 'EXCEEDED_ID_LIMIT', 'too many ids');
    return { object, rows, to: Math.min(to, Math.floor(now / MINUTE) * MINUTE), from };
  };

  return [
    [
      'GET',
      /^\/sobjects\/([^/]+)\/updated\/?$/,
      (call) => {
        const { rows, to } = within(call, UPDATED_DAYS);
        const ids = rows.filter(({ deleted }) => !deleted).map(({ id }) => id);
        return ok({ ids, latestDateCovered: formatTime(to) });
      },
    ],
    [
      'GET',
      /^\/sobjects\/([^/]+)\/deleted\/?$/,
      (call) => {
        const { object, rows, from, to } = within(call, DELETED_DAYS);
        const purgedAt = store.purgedAt(object.name);
        if (from < purgedAt) throw invalidDates('the deleted records of that time were purged');
        const deletedRecords = rows
          .filter(({ deleted }) => deleted)
          .map(({ id, fields }) => ({ id, deletedDate: fields.SystemModstamp }));
        const earliest = Math.max(purgedAt, store.now().getTime() - DELETED_DAYS * DAY);
        return ok({
          deletedRecords,
          earliestDateAvailable: formatTime(earliest),
          latestDateCovered: formatTime(to),
        });
      },
    ],
  ];
}

/** Seconds are left away. */
function minuteOf(text: string): number {
  return Math.floor(parseTime(text.replace(' ', '+')) / MINUTE) * MINUTE;
}

function invalidDates(message: string): SalesforceApiError {
  return new SalesforceApiError(400, 'INVALID_REPLICATION_DATE', message);
}
