import { fileURLToPath } from 'node:url';
import { startChild } from '../child.mjs';
import { eventTemplates } from '../events.mjs';
import { quiet, spending, spent } from '../machine.mjs';
import { printFlood } from './flood.report.mjs';

const SECRET = 'whsec_bench';
const FORGED_WITH = 'whsec_guessed';
const GOOD_PER_SECOND = 200;
const CONNECTIONS = 64;
const RAMP_MS = 300;

/** More than any server here refuses in a second. */
const FORGED_PER_SECOND = 12_000;

/** How good deliveries fare beside a flood of forged ones that comes as fast as it is answered. */
export async function benchFlood(databases, { quick, rounds = quick ? 1 : 4, profileFolder }) {
  const countedMs = quick ? 1_000 : 3_000;
  const [good, forged] = [1, 2].map(() => startChild(fileOf('../ack/load/generator.mjs'), []));
  const servers = [];
  const problems = [];
  try {
    for (const generator of [good, forged])
      await generator.ask('boot', { templates: await eventTemplates() });
    for (const adapter of ['express', 'fastify'])
      servers.push(await startServer(adapter, databases, profileFolder));
    const run = (server, isFlooded) =>
      measure(server, { good, forged: isFlooded && forged, countedMs }, databases);
    for (const server of servers) await run(server, true);
    for (const server of servers) Object.assign(server, { alone: [], beside: [] });

    for (let round = 0; round < rounds; round++) {
      for (const server of servers) {
        server.alone.push(await run(server, false));
        server.beside.push(await run(server, true));
        problems.push(...(await check(server)));
      }
      process.stderr.write(`flood: round ${round + 1} of ${rounds}\n`);
    }
  } finally {
    await Promise.all([good, forged, ...servers.map(({ child }) => child)].map((child) => child.stop()));
  }
  printFlood(servers, { rounds, countedMs, perSecond: GOOD_PER_SECOND, connections: CONNECTIONS });
  return problems;
}

async function startServer(adapter, databases, profileFolder) {
  const database = await databases.create();
  const child = startChild(fileOf('../ack/servers/serve.mjs'), ['hybrid-sync'], { profileFolder });
  const options = { adapter, passes: true, secret: SECRET, databaseUrl: database.url };
  const { port } = await child.ask('boot', options);
  return { name: `hybrid-sync, ${adapter === 'express' ? 'Express' : 'Fastify'}`, database, child, port };
}

/** Good deliveries in open loop, forged ones at the limit, if any, for as long and a little longer. */
async function measure(server, { good, forged, countedMs }, databases) {
  const { child, port } = server;
  const seconds = (RAMP_MS + countedMs) / 1_000;
  const path = '/hooks/stripe';
  await good.ask('prepare', { count: GOOD_PER_SECOND * seconds * 2, path, secret: SECRET });
  await good.ask('connect', { ports: [port], count: CONNECTIONS });
  if (forged) {
    await forged.ask('prepare', { count: FORGED_PER_SECOND * seconds, path, secret: FORGED_WITH });
    await forged.ask('connect', { ports: [port], count: CONNECTIONS });
  }
  await quiet();
  const processes = [child, good, ...(forged ? [forged] : [])];
  const before = await spent(processes, databases);
  const [accepted, refused] = await Promise.all([
    good.ask('pace', { perSecond: GOOD_PER_SECOND, rampMs: RAMP_MS, countedMs }),
    forged ? forged.ask('saturate', { rampMs: RAMP_MS, countedMs }) : undefined,
  ]);
  const after = await spent(processes, databases);
  await good.ask('disconnect');
  if (forged) await forged.ask('disconnect');
  await child.ask('settled');

  server.accepted = (server.accepted ?? 0) + accepted.accepted;
  const { childrenUs, postgresUs, neighbours } = spending(before, after, 1);
  return {
    latencies: accepted.latencies,
    refusedGood: accepted.refused,
    perSecond: (accepted.latencies.length * 1_000) / countedMs,
    forged: refused?.refused ?? {},
    forgedAccepted: refused?.accepted ?? 0,
    forgedPerSecond: Object.values(refused?.refused ?? {}).reduce((sum, n) => sum + n, 0) / seconds,
    serverUs: childrenUs[0],
    postgresUs,
    neighbours,
  };
}

/** @returns what is wrong with it */
async function check({ name, alone, beside, accepted, database }) {
  const problems = [];
  for (const { refusedGood, forged, forgedAccepted } of [alone.at(-1), beside.at(-1)]) {
    for (const [status, n] of Object.entries(refusedGood))
      problems.push(`${name}: ${n} good deliveries were answered ${status}`);
    const others = Object.entries(forged).filter(([status]) => status !== '401');
    for (const [status, n] of [...others, ...(forgedAccepted ? [['2xx', forgedAccepted]] : [])])
      problems.push(`${name}: ${n} forged deliveries were answered ${status}`);
  }
  const rows = await database.count('sync_event');
  if (rows !== accepted) problems.push(`${name}: ${accepted} accepted so far, ${rows} stored`);
  return problems;
}

function fileOf(path) {
  return fileURLToPath(new URL(path, import.meta.url));
}
