import { fixed, NOTE_ON_ROUNDS, printGoal, printNotes, printTable, ratioText } from '../report.mjs';
import { median, medianOf, ratio } from '../statistics.mjs';

export function printPass(variants, { rounds, count, transactions }) {
  const [raw, typeorm, least, same] = variants;
  const versus = (variant, other) => (other ? ratioText(ratio(variant.runs, other.runs)) : '-');

  printNotes([
    `PASS, ${rounds} rounds: ${count} waiting events of as many records, one upserted row each, nothing fetched, ` +
      `${transactions} transactions at once.`,
    NOTE_ON_ROUNDS,
    'node (or pgbench) and postgres: CPU in us per event.',
  ]);
  printTable(
    ['', 'events/s', 'to the least', 'to the same', 'node', 'postgres', 'RSS MB', 'neighbours'],
    variants.map((variant) => [
      variant.name,
      fixed(medianOf(variant.runs, (run) => run.perSecond)),
      versus(variant, least),
      versus(variant, same),
      fixed(medianOf(variant.runs, (run) => run.childrenUs[0] ?? run.endedUs)),
      fixed(medianOf(variant.runs, (run) => run.postgresUs)),
      fixed(variant.peakRssMb),
      fixed(median(variant.runs.map((run) => run.neighbours)), 1),
    ]),
  );
  if (!least) return printNotes(['The comparison with pgbench is left out: it is not installed.']);
  printNotes([
    '"the least": fence and upsert, nothing else. "the same": every statement of our transaction.',
  ]);
  printGoal('pass to the least of pgbench, handler in SQL', 0.3, ratio(raw.runs, least.runs));
  printGoal('pass to the least of pgbench, handler with TypeORM', 0.3, ratio(typeorm.runs, least.runs));
}
