/**
 * `npm run bench`: what durability costs at the door, what handling once costs behind it, what a flood of forged
 * deliveries costs the good ones, what several processes on a queue do together, what years of events cost the next one,
 * and what more load than it can take makes of a process.
 *
 * Everything that is compared runs in one run, on one database server, in rounds: each round measures every variant
 * once, in an order that turns, and gives one ratio; the median of those ratios is what counts. Absolute figures hold
 * for this machine at this hour only.
 *
 *     npm run bench -- [--quick] [--only ack|pass|flood|queue|flat|overload] [--rounds n] [--cpu-prof folder]
 */
import { parseArgs } from 'node:util';
import { cpus } from 'node:os';
import { benchAck } from './ack/ack.bench.mjs';
import { openDatabases } from './databases.mjs';
import { benchFlat } from './flat/flat.bench.mjs';
import { benchFlood } from './flood/flood.bench.mjs';
import { hurry } from './machine.mjs';
import { benchOverload } from './overload/overload.bench.mjs';
import { benchPass } from './pass/pass.bench.mjs';
import { benchQueue } from './queue/queue.bench.mjs';

const { values: flags } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string' },
    rounds: { type: 'string' },
    'cpu-prof': { type: 'string' },
  },
});

const benches = {
  ack: benchAck,
  pass: benchPass,
  flood: benchFlood,
  queue: benchQueue,
  flat: benchFlat,
  overload: benchOverload,
};
if (flags.only !== undefined && !Object.hasOwn(benches, flags.only))
  fail(`--only takes one of ${Object.keys(benches).join(', ')}`);
if (flags.rounds !== undefined && !/^[1-9]\d*$/.test(flags.rounds)) fail('--rounds takes a number from 1');
const settings = {
  quick: flags.quick,
  ...(flags.rounds && { rounds: Number(flags.rounds) }),
  profileFolder: flags['cpu-prof'],
};

if (flags.quick) hurry();
const startedAt = performance.now();
const databases = await openDatabases();
for (const signal of ['SIGINT', 'SIGTERM'])
  process.once(signal, () => void databases.close().finally(() => process.exit(130)));

const problems = [];
try {
  console.log(
    `Node ${process.version}, ${cpus().length} cores (${cpus()[0]?.model.trim()}); ${databases.description}`,
  );
  for (const [name, bench] of Object.entries(benches))
    if (flags.only === undefined || flags.only === name) problems.push(...(await bench(databases, settings)));
} finally {
  await databases.close();
}

console.log(`\n${Math.round((performance.now() - startedAt) / 1000)} s in all.`);
// A slow or busy machine is no failure; a figure that was not earned is.
for (const problem of problems) console.error(`WRONG: ${problem}`);
process.exit(problems.length > 0 ? 1 : 0);

function fail(message) {
  console.error(message);
  process.exit(2);
}
