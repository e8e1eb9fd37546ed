/**
 * `npm run bench:strategies`: the same day of traffic through polling, webhooks and both, on a simulated clock: how late
 * changes come, what they cost in API calls, and what never comes.
 *
 *     npm run bench:strategies -- [--seed n] [--changes n] [--only steady|bursty|quiet]
 *       [--strategy poll-30|poll-60|webhooks|hybrid] [--no-faults]
 */
import 'reflect-metadata';
import { parseArgs } from 'node:util';
import { openDatabases } from '../databases.mjs';
import { measure, problemsOf } from './measure.mjs';
import { simulate } from './simulation.mjs';
import { printAims, printCells } from './strategies.report.mjs';
import { STRATEGIES } from './strategies.mjs';
import { makeTraffic, SHAPES } from './traffic.mjs';

const { values: flags } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    changes: { type: 'string' },
    only: { type: 'string' },
    strategy: { type: 'string' },
    faults: { type: 'boolean', default: true },
  },
  allowNegative: true,
});
const seed = wholeNumber('seed');
const changes = wholeNumber('changes');
const shapes = chosen('only', SHAPES);
const strategies = chosen('strategy', STRATEGIES);

const startedAt = performance.now();
// Real time is only what the module's own work takes: nothing is to be learnt from waiting for a disk.
const databases = await openDatabases({ durable: false });
for (const signal of ['SIGINT', 'SIGTERM'])
  process.once(signal, () => void databases.close().finally(() => process.exit(130)));

const cells = [];
const problems = [];
try {
  console.log(`Node ${process.version}; ${databases.description}`);
  for (const shape of shapes) {
    const traffic = makeTraffic(shape, { seed, changes, faults: flags.faults });
    for (const strategy of strategies) {
      const { title } = STRATEGIES[strategy];
      const from = performance.now();
      const cell = measure(traffic, await simulate(traffic, STRATEGIES[strategy], await databases.create()));
      cells.push({ shape, strategy, title, cell });
      problems.push(...problemsOf(`${shape}, ${title}`, cell, { mayLose: strategy === 'webhooks' }));
      process.stderr.write(`${shape}, ${title}: ${seconds(from)} s\n`);
    }
  }
} finally {
  await databases.close();
}

printCells(cells, { seed });
printAims(cells);
console.log(`\n${seconds(startedAt)} s in all.`);
for (const problem of problems) console.error(`WRONG: ${problem}`);
process.exit(problems.length > 0 ? 1 : 0);

function seconds(from) {
  return Math.round((performance.now() - from) / 1_000);
}

function wholeNumber(flag) {
  const text = flags[flag];
  if (text === undefined) return undefined;
  if (!/^[1-9]\d*$/.test(text)) fail(`--${flag} takes a whole number from 1`);
  return Number(text);
}

function chosen(flag, known) {
  const name = flags[flag];
  if (name === undefined) return Object.keys(known);
  if (!Object.hasOwn(known, name)) fail(`--${flag} takes one of ${Object.keys(known).join(', ')}`);
  return [name];
}

function fail(message) {
  console.error(message);
  process.exit(2);
}
