import { fixed, NOTE_ON_ROUNDS, printNotes, printTable, ratioText } from '../report.mjs';
import { median, medianOf, percentile, ratio } from '../statistics.mjs';

export function printFlood(servers, { rounds, countedMs, perSecond, connections }) {
  printNotes([
    `FLOOD, ${rounds} rounds: ${perSecond} good deliveries a second in open loop for ${countedMs / 1_000} s, alone and then ` +
      `beside forged ones, as fast as ${connections} connections get their answers.`,
    NOTE_ON_ROUNDS,
    '"throughput" and "p50"/"p99": beside the flood to alone. "share": of the CPU time of node, what the flood took. ' +
      '"postgres": its CPU time beside the flood to alone.',
  ]);
  printTable(
    [
      '',
      'forged/s',
      'throughput',
      'p50',
      'p99',
      'p50/p99 alone',
      'p50/p99 beside',
      'share',
      'us each',
      'postgres',
      'neighbours',
    ],
    servers.map(({ name, alone, beside }) => [
      name,
      fixed(medianOf(beside, (run) => run.forgedPerSecond)),
      ratioText(ratio(beside, alone)),
      ratioText(ratio(...latencies(beside, alone, 0.5))),
      ratioText(ratio(...latencies(beside, alone, 0.99))),
      latencyText(alone),
      latencyText(beside),
      fixed(median(beside.map((run, i) => 1 - alone[i].serverUs / run.serverUs)), 2),
      fixed(median(beside.map((run, i) => (run.serverUs - alone[i].serverUs) / refusedIn(run)))),
      ratioText(ratio(...figures(beside, alone, (run) => run.postgresUs))),
      fixed(median([...alone, ...beside].map((run) => run.neighbours)), 1),
    ]),
  );
  printNotes([
    'Forged: whole deliveries of the same size, signed with another secret, the dearest to refuse.',
  ]);
}

function refusedIn({ forged }) {
  return Object.values(forged).reduce((sum, n) => sum + n, 0);
}

function latencies(ones, others, share) {
  return figures(ones, others, (run) => percentile(run.latencies, share));
}

/** For `ratio()`, which compares rates. */
function figures(ones, others, figure) {
  return [ones, others].map((runs) =>
    runs.map((run) => ({ perSecond: figure(run), neighbours: run.neighbours })),
  );
}

function latencyText(runs) {
  const at = (share) => medianOf(runs, (run) => percentile(run.latencies, share));
  return `${fixed(at(0.5), 1)}/${fixed(at(0.99), 1)}`;
}
