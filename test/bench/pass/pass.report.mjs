import { fixed, printGoal, printTable, ratioText } from '../report.mjs';
import { median, ratio } from '../statistics.mjs';

export function printPass(variants, { rounds, count, transactions }) {
  const [raw, typeorm, least, same] = variants;
  const of = ({ runs }) => runs.map((run) => run.perSecond);
  const versus = (variant, other) => (other ? ratioText(ratio(of(variant), of(other))) : '-');

  console.log(
    `\nPASS. ${rounds} rounds; ${count} waiting events of as many records, one upserted row each, nothing fetched; ` +
      `${transactions} transactions at once. CPU in us per event; "neighbours" are the cores that other programs took meanwhile, ` +
      `pgbench itself included.\n`,
  );
  printTable(
    ['', 'events/s', 'to the least', 'to the same', 'node', 'postgres', 'RSS MB', 'neighbours'],
    variants.map((variant) => [
      variant.name,
      fixed(median(of(variant))),
      versus(variant, least),
      versus(variant, same),
      variant.child ? fixed(median(variant.runs.map((run) => run.childrenUs[0]))) : '-',
      fixed(median(variant.runs.map((run) => run.postgresUs))),
      variant.child ? fixed(variant.peakRssMb) : '-',
      fixed(median(variant.runs.map((run) => run.neighbours)), 1),
    ]),
  );
  if (!least) return console.log('\nThe comparison with pgbench is left out: it is not installed.');
  console.log(
    '"the least": fence and upsert, nothing else. "the same": every statement of our transaction.\n',
  );
  printGoal('pass to the least of pgbench, handler in SQL', 0.3, ratio(of(raw), of(least)));
  printGoal('pass to the least of pgbench, handler with TypeORM', 0.3, ratio(of(typeorm), of(least)));
}
