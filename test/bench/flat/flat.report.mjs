import { fixed, NOTE_ON_ROUNDS, printGoal, printNotes, printTable, ratioText } from '../report.mjs';
import { median, medianOf, ratio } from '../statistics.mjs';

/** What others take from a machine they hardly take from this: work done for the CPU time of node and server. */
const byCpu = (runs) =>
  runs.map(({ childrenUs, postgresUs }) => ({
    perSecond: 1e6 / (childrenUs[0] + postgresUs),
    neighbours: 0,
  }));

const millions = (rows) => `${rows / 1_000_000} M`;

export function printFlat(inboxes, { rounds, count }) {
  const [empty] = inboxes;
  printNotes([
    `FLAT, ${rounds} rounds: ${count} events of as many records stored, 64 deliveries at once, and then handled, beside settled ` +
      'events that are there already, without bodies.',
    NOTE_ON_ROUNDS,
    '"to empty": per second, and for the CPU time of node and server. "us": that time, of node and of postgres, for an event. ' +
      '"index": of the unique index, bytes for each row: it is built with the load, and in a smaller one all pages have split since.',
  ]);
  printTable(
    [
      'settled',
      'acks/s',
      'to empty',
      'by CPU',
      'us',
      'passes/s',
      'to empty',
      'by CPU',
      'us',
      'index',
      'neighbours',
    ],
    inboxes.map(({ settled, acks, passes, indexBytes }) => [
      millions(settled),
      ...figures(acks, empty.acks),
      ...figures(passes, empty.passes),
      fixed(indexBytes),
      fixed(median([...acks, ...passes].map((run) => run.neighbours)), 1),
    ]),
  );
  for (const { settled, acks, passes } of inboxes.slice(1)) {
    const beside = `beside ${millions(settled)} settled events to an empty inbox, by CPU`;
    printGoal(`acks ${beside}`, 0.9, ratio(byCpu(acks), byCpu(empty.acks)));
    printGoal(`passes ${beside}`, 0.9, ratio(byCpu(passes), byCpu(empty.passes)));
  }
  const bytes = inboxes.at(-1).indexBytes;
  console.log(
    `goal: bytes of the unique index for each row <= 60: ${bytes <= 60 ? 'reached' : 'MISSED'}, ${fixed(bytes)}`,
  );
}

function figures(runs, others) {
  const us = [medianOf(runs, (run) => run.childrenUs[0]), medianOf(runs, (run) => run.postgresUs)];
  return [
    fixed(medianOf(runs, (run) => run.perSecond)),
    ratioText(ratio(runs, others)),
    ratioText(ratio(byCpu(runs), byCpu(others))),
    us.map((each) => fixed(each)).join('+'),
  ];
}

export function printPruned({ settled, alone, beside }, { rounds, count }) {
  printNotes([
    `FLAT, pruning, ${rounds} rounds: ${count} events stored beside ${millions(settled)}, alone and while another process deletes ` +
      'what is older than 90 days.',
    NOTE_ON_ROUNDS,
  ]);
  printTable(
    ['', 'acks/s', 'to alone', 'deleted/s', 'neighbours'],
    [alone, beside].map((runs) => [
      runs === alone ? 'alone' : 'while it prunes',
      fixed(medianOf(runs, (run) => run.perSecond)),
      ratioText(ratio(runs, alone)),
      fixed(medianOf(runs, (run) => run.prunedPerSecond)),
      fixed(median(runs.map((run) => run.neighbours)), 1),
    ]),
  );
  printGoal('acks while it prunes to acks alone', 0.9, ratio(beside, alone));
}

export function printBacklog({ settled, waiting, times, memory }) {
  printNotes([
    `FLAT, a backlog of ${millions(waiting)} waiting events of three connections, beside ${millions(settled)} settled ones: ` +
      'the slowest statement of each, in ms, of five times.',
  ]);
  printTable(
    ['', 'median', 'slowest'],
    Object.entries(times).map(([name, ms]) => [name, fixed(median(ms), 1), fixed(Math.max(...ms), 1)]),
  );
  const slow = Object.entries(times).filter(([, ms]) => median(ms) >= 50);
  console.log(
    `goal: each below 50 ms: ${slow.length === 0 ? 'reached' : `MISSED, ${slow.map(([name]) => name).join(', ')}`}`,
  );
  const seen = memory.map(({ handled, usedMb }) => `${fixed(usedMb, 1)} after ${handled} events`);
  console.log(`memory in use by a worker at it, in MB: ${seen.join(', ')}`);
}
