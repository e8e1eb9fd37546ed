import { fixed, NOTE_ON_ROUNDS, printNotes, printTable, ratioText } from '../report.mjs';
import { median, medianOf, ratio } from '../statistics.mjs';

export function printWorkers(variants, rounds) {
  printNotes([
    `QUEUE, ${rounds} rounds: deliveries of as many records, stored by one process and handled, one upserted row each.`,
    NOTE_ON_ROUNDS,
    'All processes, Redis and Postgres share the cores: CPU in us per event.',
  ]);
  printTable(
    ['', 'events/s', 'to one process', 'node', 'postgres', 'neighbours'],
    variants.map((variant) => [
      variant.name,
      fixed(medianOf(variant.runs, (run) => run.perSecond)),
      ratioText(ratio(variant.runs, variants[0].runs)),
      fixed(medianOf(variant.runs, (run) => run.childrenUs.reduce((sum, us) => sum + us, 0))),
      fixed(medianOf(variant.runs, (run) => run.postgresUs)),
      fixed(median(variant.runs.map((run) => run.neighbours)), 1),
    ]),
  );
}

export function printLatency(variants) {
  printNotes([`LATENCY of an idle system, from an accepted delivery to its handler's first line, in ms.`]);
  printTable(
    ['', 'p50', 'p99', 'goal for p99'],
    variants.map(({ name, latencies: { p50, p99 }, most }) => [
      name,
      fixed(p50, 1),
      fixed(p99, 1),
      `${most}`,
    ]),
  );
}

export function printCoalescing({ count, records, atOnce, streaming }) {
  printNotes([
    `COALESCING: ${count} events of ${records} records, API calls of 20 ms. All there at once: ` +
      `${fixed(atOnce / records, 2)} fetches for each record (goal: at most 2); in a stream: ${fixed(streaming / records, 2)}.`,
  ]);
}
