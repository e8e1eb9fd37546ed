import { fixed, NOTE_ON_ROUNDS, printGoal, printNotes, printTable, ratioText } from '../report.mjs';
import { median, medianOf, ratio } from '../statistics.mjs';

export function printPass(variants, { rounds, count, transactions }) {
  const [raw, typeorm, , batched, graphile, least, same] = variants;
  const versus = (variant, other) => (other ? ratioText(ratio(variant.runs, other.runs)) : '-');

  printNotes([
    `PASS, ${rounds} rounds: ${count} waiting events of as many records, one upserted row each, nothing fetched, ` +
      `${transactions} transactions at once.`,
    NOTE_ON_ROUNDS,
    'node (or pgbench) and postgres: CPU in us per event.',
  ]);
  printTable(
    [
      '',
      'events/s',
      'to the least',
      'to the same',
      'to graphile',
      'node',
      'postgres',
      'RSS MB',
      'neighbours',
    ],
    variants.map((variant) => [
      variant.name,
      fixed(medianOf(variant.runs, (run) => run.perSecond)),
      versus(variant, least),
      versus(variant, same),
      versus(variant, graphile),
      fixed(medianOf(variant.runs, (run) => run.childrenUs[0] ?? run.endedUs)),
      fixed(medianOf(variant.runs, (run) => run.postgresUs)),
      fixed(variant.peakRssMb),
      fixed(median(variant.runs.map((run) => run.neighbours)), 1),
    ]),
  );
  printNotes([
    'A change is that of a record, read from memory instead of an API, with its fence that saves it and its mark.',
  ]);
  printGoal('pass to graphile-worker, handler in SQL', 2, ratio(raw.runs, graphile.runs));
  if (!least) return printNotes(['The comparison with pgbench is left out: it is not installed.']);
  printNotes([
    '"the least": fence and upsert, nothing else. "the same": every statement of our transaction.',
  ]);
  printGoal('pass to pgbench with the same statements, handler in SQL', 0.5, ratio(raw.runs, same.runs));
  printGoal('pass to the least of pgbench, handler in SQL', 0.5, ratio(raw.runs, least.runs));
  printGoal('pass to the least of pgbench, handler with TypeORM', 0.45, ratio(typeorm.runs, least.runs));
  printGoal('pass to the least of pgbench, batches of changes', 0.8, ratio(batched.runs, least.runs));
}
