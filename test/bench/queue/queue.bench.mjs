import { fileURLToPath } from 'node:url';
import { FakeStripe } from 'nestjs-hybrid-sync/testing';
import { startRedis } from '../../../tools/servers/redis.mjs';
import { startChild } from '../child.mjs';
import { quiet, spending, spent } from '../machine.mjs';
import { percentile } from '../statistics.mjs';
import { printCoalescing, printLatency, printWorkers } from './queue.report.mjs';

const TARGET = `CREATE TABLE invoice_copy (
  id text PRIMARY KEY, customer text NOT NULL, status text NOT NULL, amount_due int NOT NULL, event_id text NOT NULL)`;

/** What several processes on a queue do together, how often a busy record is fetched, and how soon a handler begins. */
export async function benchQueue(databases, { quick, rounds = quick ? 1 : 3 }) {
  const redis = await startRedis();
  const bench = { databases, redisUrl: redis.url, problems: [] };
  try {
    printWorkers(await benchWorkers(bench, quick ? 2_000 : 20_000, rounds), rounds);
    printLatency(await benchLatency(bench, quick ? 100 : 500));
    printCoalescing(await benchCoalescing(bench, quick ? 1_000 : 10_000, quick ? 20 : 100));
  } finally {
    await redis.stop();
  }
  return bench.problems;
}

/** From the first delivery to the last handler's commit. */
async function benchWorkers(bench, count, rounds) {
  const variants = [
    { name: 'one process, no queue', roles: ['all'] },
    ...[1, 2, 4].map((workers) => ({
      name: `Bull, 1 ingest + ${workers} worker${workers > 1 ? 's' : ''}`,
      queue: 'bull',
      roles: ['ingest', ...Array.from({ length: workers }, () => 'worker')],
    })),
    { name: 'BullMQ, 1 ingest + 2 workers', queue: 'bullmq', roles: ['ingest', 'worker', 'worker'] },
  ].map((variant) => ({ ...variant, runs: [] }));
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < variants.length; i++) {
      const variant = variants[(i + round) % variants.length];
      await withProcesses(bench, variant, async ({ children, database }) => {
        await children[0].ask('receive', { deliveries: invoices(100, 'warm'), atOnce: 64 });
        await completed(database, 100);
        await quiet();
        const before = await spent(children, bench.databases);
        const startedAt = performance.now();
        await children[0].ask('receive', { deliveries: invoices(count), atOnce: 64 });
        await completed(database, count + 100);
        const perSecond = (count * 1_000) / (performance.now() - startedAt);
        const after = await spent(children, bench.databases);
        variant.runs.push({ perSecond, ...spending(before, after, count) });
        const written = await database.count('invoice_copy');
        if (written !== count + 100)
          bench.problems.push(`${variant.name}: ${written} rows of ${count + 100}`);
      });
    }
    process.stderr.write(`queue: round ${round + 1} of ${rounds}\n`);
  }
  return variants;
}

/** One delivery at a time, on a system that does nothing else: from its acceptance to the handler's first line. */
async function benchLatency(bench, count) {
  const variants = [
    { name: 'in process', roles: ['all'], most: 25 },
    { name: 'Bull, 1 ingest + 1 worker', queue: 'bull', roles: ['ingest', 'worker'], most: 50 },
    { name: 'BullMQ, 1 ingest + 1 worker', queue: 'bullmq', roles: ['ingest', 'worker'], most: 50 },
  ];
  for (const variant of variants)
    await withProcesses(bench, variant, async ({ children, database }) => {
      await children[0].ask('receive', { deliveries: invoices(200, 'warm'), atOnce: 8 });
      await completed(database, 200);
      await quiet();
      const accepted = await children[0].ask('receive', {
        deliveries: invoices(count),
        atOnce: 1,
        everyMs: 20,
      });
      await completed(database, count + 200);
      const begun = await children.at(-1).ask('begun');
      const latencies = [...accepted].map(([id, at]) => begun.get(id) - at);
      variant.latencies = { p50: percentile(latencies, 0.5), p99: percentile(latencies, 0.99) };
    });
  return variants;
}

/** So many events of a few records: how many calls that costs, if all are there at once and if they come in a stream. */
async function benchCoalescing(bench, count, records) {
  const result = { count, records };
  for (const how of ['atOnce', 'streaming']) result[how] = await fetchesOf(bench, count, records, how);
  return result;
}

async function fetchesOf(bench, count, records, how) {
  const stripe = await FakeStripe.start();
  stripe.faults.slowMs = 20;
  try {
    const ids = Array.from({ length: records }, (_, i) => `in_hot_${i}`);
    for (const id of ids) stripe.create('invoice', { id }, { delivery: 'unlogged' });
    const { apiKey, connection } = stripe;
    const variant = { roles: ['all'], hydrate: true, connection: { apiKey, ...connection } };
    await withProcesses(bench, variant, async ({ children: [child], database }) => {
      const deliveries = Array.from({ length: count }, (_, i) => invoice(`evt_${i}`, ids[i % records]));
      if (how === 'atOnce') await child.ask('pause');
      await child.ask('receive', { deliveries, atOnce: 64 });
      if (how === 'atOnce') await child.ask('resume');
      await completed(database, count);
    });
    return stripe.requests.count({ path: /^\/v1\/invoices\// });
  } finally {
    await stripe.close();
  }
}

async function withProcesses({ databases, redisUrl }, { roles, queue, ...options }, work) {
  const database = await databases.create();
  await database.sql(TARGET);
  const file = fileURLToPath(new URL('application.mjs', import.meta.url));
  const children = roles.map((role) => startChild(file, [role]));
  try {
    for (const [i, role] of roles.entries())
      await children[i].ask('boot', { databaseUrl: database.url, role, queue, redisUrl, ...options });
    await work({ children, database });
    await Promise.all(children.map((child) => child.ask('stop')));
  } finally {
    await Promise.all(children.map((child) => child.stop()));
  }
}

function invoices(count, name = 'bench') {
  return Array.from({ length: count }, (_, i) => invoice(`evt_${name}_${i}`, `in_${name}_${i}`));
}

function invoice(id, invoiceId) {
  const object = { id: invoiceId, object: 'invoice', customer: 'cus_1', status: 'paid', amount_due: 2_500 };
  const created = Math.floor(Date.now() / 1_000);
  return { id, object: 'event', type: 'invoice.paid', created, livemode: false, data: { object } };
}

async function completed(database, count) {
  while ((await database.count(`sync_event WHERE state = 'completed'`)) < count)
    await new Promise((resolve) => setTimeout(resolve, 25));
}
