import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { startChild } from '../child.mjs';
import { quiet, spending, spent } from '../machine.mjs';
import { printBacklog, printFlat, printPruned } from './flat.report.mjs';
import { preload } from './preload.mjs';

const MILLION = 1_000_000;

/** How long a worker is at a backlog between two looks at its memory. */
const AT_BACKLOG_MS = 5_000;

/** That an inbox with years in it is as fast as an empty one, that pruning is not felt, and that a backlog costs nothing twice. */
export async function benchFlat(databases, { quick, rounds = quick ? 2 : 5, profileFolder }) {
  const sizes = quick ? [0, 200_000, MILLION] : [0, MILLION, 5 * MILLION, 10 * MILLION];
  const count = quick ? 6_000 : 20_000;
  const setting = { databases, rounds, count, profileFolder };
  return [
    ...(await benchSizes(setting, sizes)),
    ...(await benchPruning(setting, quick ? 400_000 : 2 * MILLION)),
    ...(await benchBacklog(setting, sizes.at(-2), quick ? 200_000 : MILLION)),
  ];
}

async function benchSizes({ databases, rounds, count, profileFolder }, sizes) {
  const inboxes = [];
  const problems = [];
  try {
    for (const settled of sizes) inboxes.push(await openInbox(databases, { settled }, profileFolder));
    for (const inbox of inboxes) Object.assign(inbox, { acks: [], passes: [] });
    for (let round = 0; round < rounds; round++) {
      for (let i = 0; i < inboxes.length; i++)
        problems.push(...(await fillAndEmpty(inboxes[(i + round) % inboxes.length], count, databases)));
      process.stderr.write(`flat: round ${round + 1} of ${rounds}\n`);
    }
    for (const inbox of inboxes) inbox.indexBytes = await indexBytes(inbox.database);
  } finally {
    await Promise.all(inboxes.map(({ child }) => child.stop()));
  }
  printFlat(inboxes, { rounds, count });
  return problems;
}

/** Stores so many events, and has them handled. @returns what is wrong with it */
async function fillAndEmpty({ settled, database, child, acks, passes }, count, databases) {
  const { sql } = database;
  if (settled === 0) await sql('TRUNCATE sync_event, sync_record, sync_mark');
  // Pages that are in the server's memory again, as they would be with deliveries coming in all the time.
  await child.ask('prepare', count / 4);
  await child.ask('accept');
  await child.ask('run');
  const measure = async (runs, work) => {
    // What the next checkpoint makes dearer is the same for all.
    await sql('CHECKPOINT');
    await quiet();
    const before = await spent([child], databases);
    const ms = await work();
    runs.push({
      perSecond: (count * 1_000) / ms,
      ...spending(before, await spent([child], databases), count),
    });
  };
  const handledBefore = await child.ask('handled');
  await child.ask('prepare', count);
  await measure(acks, () => child.ask('accept'));
  await sql('ANALYZE sync_event');
  await measure(passes, () => child.ask('run'));
  const handled = (await child.ask('handled')) - handledBefore;
  return handled === count ? [] : [`flat: of ${count} events ${handled} were handled, beside ${settled}`];
}

async function benchPruning({ databases, rounds, count, profileFolder }, settled) {
  // One half of it is older than what is kept.
  const inbox = await openInbox(databases, { settled, oldestDays: 180 }, profileFolder);
  const { database, child } = inbox;
  Object.assign(inbox, { alone: [], beside: [] });
  const problems = [];
  const rows = () => database.count(`sync_event WHERE id <= ${settled}`);
  try {
    await child.ask('prepare', count);
    await child.ask('accept');
    for (let round = 0; round < rounds; round++) {
      for (const runs of round % 2 === 0 ? [inbox.alone, inbox.beside] : [inbox.beside, inbox.alone]) {
        await child.ask('prepare', count);
        await database.sql('CHECKPOINT');
        const kept = await rows();
        // A process more is a process more, even if it has nothing to do.
        const pruner = await startPruner(database);
        const startedAt = performance.now();
        if (runs === inbox.beside) await pruner.ask('prune');
        await quiet();
        const before = await spent([child], databases);
        const ms = await child.ask('accept');
        const spends = spending(before, await spent([child], databases), count);
        await pruner.ask('close');
        await pruner.stop();
        const prunedPerSecond = ((kept - (await rows())) * 1_000) / (performance.now() - startedAt);
        if (runs === inbox.beside && prunedPerSecond === 0)
          problems.push('flat: nothing was pruned while deliveries came in');
        runs.push({ perSecond: (count * 1_000) / ms, prunedPerSecond, ...spends });
      }
      process.stderr.write(`flat, pruning: round ${round + 1} of ${rounds}\n`);
    }
  } finally {
    await child.stop();
  }
  printPruned(inbox, { rounds, count });
  return problems;
}

async function startPruner(database) {
  const pruner = startChild(fileOf('inbox.mjs'), []);
  await pruner.ask('boot', { databaseUrl: database.url });
  return pruner;
}

async function benchBacklog({ databases, profileFolder }, settled, waiting) {
  const { database, child } = await openInbox(databases, { settled, waiting }, profileFolder);
  let worker;
  try {
    const times = await child.ask('times');
    worker = startChild(fileOf('inbox.mjs'), [], { profileFolder });
    await worker.ask('boot', { databaseUrl: database.url, sweepEveryMs: 1_000 });
    const memory = [];
    for (let i = 0; i < 4; i++) {
      await sleep(AT_BACKLOG_MS);
      memory.push({ handled: await worker.ask('handled'), usedMb: await worker.ask('memory') });
    }
    printBacklog({ settled, waiting, times, memory });
    return memory.at(-1).handled > 0 ? [] : ['flat: nothing of the backlog was handled'];
  } finally {
    await child.stop();
    await worker?.stop();
  }
}

/** An inbox with all that in it, and an application on it. */
async function openInbox(databases, rows, profileFolder) {
  const database = await databases.create();
  const boot = async () => {
    const child = startChild(fileOf('inbox.mjs'), [], { profileFolder });
    await child.ask('boot', { databaseUrl: database.url });
    return child;
  };
  // It makes the tables, and must not ask them anything while they have no indexes.
  await (await boot()).stop();
  process.stderr.write(`flat: loading ${JSON.stringify(rows)}\n`);
  await preload(database, rows);
  const child = await boot();
  return { ...rows, database, child };
}

/** Of the unique index, for each row. */
async function indexBytes({ sql }) {
  const [{ bytes, rows }] = await sql(
    `SELECT pg_relation_size('"UQ_sync_event_dedupe"')::float8 AS bytes, count(*)::float8 AS rows FROM sync_event`,
  );
  return bytes / rows;
}

function fileOf(path) {
  return fileURLToPath(new URL(path, import.meta.url));
}
