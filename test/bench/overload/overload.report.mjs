import { fixed, printNotes, printTable } from '../report.mjs';
import { percentile, QUIET_CORES } from '../statistics.mjs';

/** Providers that wait for the least time give up then. */
const GOAL_MS = 5_000;

/**
 * @param load what was sent
 * @param sent what became of that
 * @param machine what it took
 * @param calm what became of a load that a process can bear: before, at once afterwards, and when all was worked off
 */
export function printOverload(load, sent, machine, calm) {
  const { due, unsent, answers, latencies, withoutRetryAfter } = sent;
  const { watched, neighbours } = machine;
  const share = (n = 0) => `${fixed((100 * n) / due, 1)} %`;
  printNotes([
    `OVERLOAD: ${load.times} times of what one process takes at most (${fixed(load.perSecond)} deliveries a second), in open loop for ` +
      `${load.durationMs / 1_000} s, by ${load.connections} connections; the same process handles what it accepts.`,
  ]);
  printTable(
    ['', 'deliveries', 'share'],
    [
      ['due', String(due), ''],
      ['not sent, for want of a connection', String(unsent), share(unsent)],
      ...Object.entries(answers).map(([status, n]) => [`answered ${status}`, String(n), share(n)]),
      ['503 without Retry-After', String(withoutRetryAfter), share(withoutRetryAfter)],
    ],
  );
  printNotes([]);
  printTable(
    ['acks', 'p50 ms', 'p99 ms', 'max ms'],
    [
      ['before', calm.before.latencies],
      ['accepted meanwhile', latencies],
      ['at once afterwards', calm.atOnce.latencies],
      ['backlog worked off', calm.after.latencies],
    ].map(([name, values]) => [name, ...[0.5, 0.99, 1].map((at) => fixed(percentile(values, at), 1))]),
  );
  const quarters = [0, 1, 2, 3].map((n) => quarterOf(watched.rssMb, n));
  printNotes([
    `Memory (RSS): ${fixed(watched.rssMb[0])} MB before; at most, in each quarter of the time: ` +
      `${quarters.map((most) => fixed(most)).join(', ')} MB.`,
    `Event loop: timers ${fixed(watched.lagP50)} ms late at p50, ${fixed(watched.lagP99)} at p99, ${fixed(watched.lagMax)} at most.`,
    `Backlog: ${calm.backlog.events} events, worked off ${fixed(calm.backlog.tookMs / 1_000, 1)} s after the last delivery.`,
    `Other programs took ${fixed(neighbours, 1)} cores meanwhile.`,
    verdict(percentile(latencies, 0.99), neighbours),
  ]);
}

function quarterOf(samples, n) {
  const length = samples.length / 4;
  return Math.max(...samples.slice(Math.floor(n * length), Math.ceil((n + 1) * length)));
}

function verdict(p99, neighbours) {
  const missed = neighbours <= QUIET_CORES ? 'MISSED' : 'the machine was too busy to tell';
  return `goal: p99 of accepted acks <= ${GOAL_MS} ms: ${p99 <= GOAL_MS ? 'reached' : missed}, ${fixed(p99)}`;
}
