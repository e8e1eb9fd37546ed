import { fileURLToPath } from 'node:url';
import { startChild } from '../child.mjs';
import { eventTemplates } from '../events.mjs';
import { quiet, spending, spent } from '../machine.mjs';
import { printPass } from './pass.report.mjs';
import { findPgbench, runPgbench, scripts } from './pgbench.mjs';
import { claimAll, makeTarget, preload } from './preload.mjs';

const TRANSACTIONS = 10;
const BATCH = 50;

/** How many waiting events a second are handled, each in a transaction of its own with what its handler writes. */
export async function benchPass(databases, { quick, rounds = quick ? 1 : 3, profileFolder }) {
  const count = quick ? 2_000 : 20_000;
  const templates = await eventTemplates();
  const pgbench = await findPgbench();
  const variants = [
    await startWorker(
      'hybrid-sync, handler in SQL',
      { kind: 'event', write: 'raw' },
      databases,
      profileFolder,
    ),
    await startWorker(
      'hybrid-sync, with TypeORM',
      { kind: 'event', write: 'typeorm' },
      databases,
      profileFolder,
    ),
    await startWorker('hybrid-sync, change', { kind: 'change', write: 'raw' }, databases, profileFolder),
    await startWorker(
      `hybrid-sync, change, batch of ${BATCH}`,
      { kind: 'change', write: 'raw', batch: BATCH },
      databases,
      profileFolder,
    ),
    await startGraphile(databases, profileFolder),
  ];
  const children = variants.map(({ child }) => child);
  if (pgbench) variants.push(...pgbenchVariants(pgbench, variants[0].database));

  const problems = [];
  try {
    for (const variant of variants)
      if (variant.child) await measure(variant, count / 10, templates, databases);
    for (const variant of variants) variant.runs = [];
    for (let round = 0; round < rounds; round++) {
      for (let i = 0; i < variants.length; i++)
        problems.push(
          ...(await measure(variants[(i + round) % variants.length], count, templates, databases)),
        );
      process.stderr.write(`pass: round ${round + 1} of ${rounds}\n`);
    }
    for (const variant of variants)
      if (variant.child) variant.peakRssMb = (await variant.child.ask('usage')).peakRssMb;
  } finally {
    await Promise.all(children.map((child) => child.stop()));
  }
  printPass(variants, { rounds, count, transactions: TRANSACTIONS });
  return problems;
}

async function startWorker(name, handler, databases, profileFolder) {
  const database = await databases.create();
  const file = fileURLToPath(new URL('worker.mjs', import.meta.url));
  const child = startChild(file, Object.values(handler).map(String), { profileFolder });
  await child.ask('boot', { databaseUrl: database.url, ...handler, transactions: TRANSACTIONS });
  return {
    name,
    database,
    child,
    runs: [],
    fill: (count, templates) => preload(database, count, templates),
    run: async (count) => (count * 1_000) / (await child.ask('run')),
    completed: () => database.count(`sync_event WHERE state = 'completed'`),
  };
}

async function startGraphile(databases, profileFolder) {
  const database = await databases.create();
  const child = startChild(fileURLToPath(new URL('graphile.mjs', import.meta.url)), [], { profileFolder });
  await child.ask('boot', { databaseUrl: database.url, transactions: TRANSACTIONS });
  let filled;
  return {
    name: 'graphile-worker, the same row',
    database,
    child,
    runs: [],
    async fill(count, templates) {
      filled = count;
      await makeTarget(database);
      await child.ask('fill', { count, templates });
    },
    run: async (count) => (count * 1_000) / (await child.ask('run', { count })),
    completed: async () => filled - (await child.ask('left')),
  };
}

/** In the database of a worker that has nothing to do meanwhile: the tables are the same. */
function pgbenchVariants(program, database) {
  const names = { least: 'pgbench, the least', same: 'pgbench, the same statements' };
  return Object.entries(names).map(([script, name]) => ({
    name,
    database,
    runs: [],
    async fill(count, templates) {
      await preload(database, count, templates);
      await claimAll(database);
      await database.sql('DROP SEQUENCE IF EXISTS bench_turn');
      await database.sql('CREATE SEQUENCE bench_turn');
    },
    run: (count) => runPgbench(program, database.url, scripts[script], { count, clients: TRANSACTIONS }),
    completed: () => database.count(`sync_event WHERE state = 'completed'`),
  }));
}

/** @returns what is wrong with it */
async function measure(variant, count, templates, databases) {
  const { name, database, child, run, runs } = variant;
  await variant.fill(count, templates);
  await quiet();
  const children = child ? [child] : [];
  const before = await spent(children, databases);
  const perSecond = await run(count);
  const after = await spent(children, databases);
  runs.push({ perSecond, ...spending(before, after, count) });

  const completed = await variant.completed();
  const written = await database.count('invoice_copy');
  return completed === count && written === count
    ? []
    : [`${name}: of ${count} events ${completed} completed, ${written} rows written`];
}
