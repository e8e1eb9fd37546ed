import { percentile } from '../statistics.mjs';
import { DAY_MS } from './traffic.mjs';

const LOG_PATH = '/v1/events';

/** What one cell of the table says. Times are milliseconds, Infinity where a change has never been applied. */
export function measure({ changes, outage }, { applied, requests, logged, refused, dead, rows, truth }) {
  const latencies = latenciesOf(changes, applied);
  const outside = latencies.filter((_, i) => {
    const { at } = changes[i];
    return outage === null || at < outage.from || at >= outage.to;
  });
  const calls = requests.filter(({ at }) => at >= 0 && at < DAY_MS);
  const logReads = calls.filter(({ path }) => path === LOG_PATH).length;
  const fetches = calls.length - logReads;
  const stored = new Map(rows.map(({ id, sequence }) => [id, sequence]));
  return {
    p50: percentile(outside, 0.5),
    p99: percentile(outside, 0.99),
    max: percentile(outside, 1),
    maxOfAll: percentile(latencies, 1),
    calls: calls.length,
    logReads,
    fetches,
    fetchesPerEvent: fetches / changes.length,
    lost: changes.filter(({ record, sequence }) => sequence > (stored.get(record) ?? 0)).length,
    wrong: truth.filter(({ id, sequence }) => stored.get(id) !== sequence).length,
    changes: changes.length,
    logged,
    refused,
    dead,
  };
}

/** A change is applied with the first state of its record that is as new as it. */
function latenciesOf(changes, applied) {
  const byRecord = new Map(changes.map(({ record }) => [record, []]));
  for (const state of applied) byRecord.get(state.record).push(state);
  return changes.map(({ at, record, sequence }) => {
    const first = byRecord.get(record).find((state) => state.sequence >= sequence);
    return first ? first.at - at : Infinity;
  });
}

/** What cannot be noise. */
export function problemsOf(name, cell, { mayLose }) {
  const { changes, logged, refused, dead, lost, wrong } = cell;
  return [
    logged !== changes && `${logged} of ${changes} changes are in the provider's log`,
    refused > 0 && `${refused} deliveries were refused although the endpoint was up`,
    dead > 0 && `${dead} events are dead`,
    !mayLose && lost > 0 && `${lost} changes were lost`,
    !mayLose && wrong > 0 && `${wrong} records are wrong at the end`,
  ]
    .filter(Boolean)
    .map((problem) => `${name}: ${problem}`);
}
