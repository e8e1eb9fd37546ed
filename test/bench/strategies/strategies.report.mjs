import { fixed, printNotes, printTable } from '../report.mjs';

export function printCells(cells, { seed }) {
  printNotes([
    `STRATEGIES, seed ${seed}: 24 simulated hours through each.`,
    'From a change to the host\'s table: of changes outside the outage, and in "with outage" of all. Calls: of the 24 hours.',
  ]);
  printTable(
    [
      '',
      'p50',
      'p99',
      'max',
      'with outage',
      'API calls',
      'log reads',
      'fetches',
      'per event',
      'lost',
      'wrong',
    ],
    cells.map(({ shape, title, cell }) => [
      `${shape}, ${title}`,
      duration(cell.p50),
      duration(cell.p99),
      duration(cell.max),
      duration(cell.maxOfAll),
      String(cell.calls),
      String(cell.logReads),
      String(cell.fetches),
      fixed(cell.fetchesPerEvent, 2),
      String(cell.lost),
      String(cell.wrong),
    ]),
  );
  console.log();
}

/** What was aimed at, as far as the cells are there that tell. */
export function printAims(cells) {
  const cellOf = (shape, strategy) =>
    cells.find((each) => each.shape === shape && each.strategy === strategy)?.cell;
  for (const shape of new Set(cells.map((each) => each.shape))) {
    const [hybrid, polling] = [cellOf(shape, 'hybrid'), cellOf(shape, 'poll-30')];
    if (!hybrid) continue;
    aim(`${shape}: p99 of hybrid under 5 s`, hybrid.p99 < 5_000, duration(hybrid.p99));
    if (shape === 'bursty')
      aim(
        'bursty: at most 0.3 fetches per event with hybrid',
        hybrid.fetchesPerEvent <= 0.3,
        fixed(hybrid.fetchesPerEvent, 3),
      );
    if (!polling) continue;
    const reads = hybrid.logReads / polling.logReads;
    if (shape === 'quiet')
      aim(
        'quiet: log reads of hybrid to those of poll 30 s, at most 0.1',
        reads <= 0.1,
        `${fixed(reads, 3)} (${hybrid.logReads} to ${polling.logReads})`,
      );
    console.log(
      `${shape}: all calls of hybrid to those of poll 30 s: ${fixed(hybrid.calls / polling.calls, 2)}`,
    );
  }
}

function aim(what, isMet, measured) {
  console.log(`aim: ${what}: ${isMet ? 'met' : 'missed'}, ${measured}`);
}

function duration(ms) {
  if (ms === Infinity) return 'never';
  if (ms < 99_950) return `${fixed(ms / 1_000, 1)} s`;
  return ms < 5_970_000 ? `${fixed(ms / 60_000, 1)} min` : `${fixed(ms / 3_600_000, 1)} h`;
}
