import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { startChild } from '../child.mjs';
import { eventTemplates } from '../events.mjs';
import { quiet, spending, spent } from '../machine.mjs';
import { printOverload } from './overload.report.mjs';

const SECRET = 'whsec_bench';
const PATH = '/hooks/stripe';
const RAMP_MS = 300;
const CALM_CONNECTIONS = 64;

/** What is stored together is cheaper: it takes the more the more come at once. */
const MOST_CONNECTIONS = 512;

/** How much more comes than was taken at most. */
const TIMES = 3;

/** Of what was taken at most: what comes before and afterwards. */
const CALM = 0.2;

/** Connections that are kept to the process: twice as many as may wait for the inbox, if it can take so many in some seconds. */
const MOST_KEPT = 4_000;
const KEPT_FOR_S = 10;

/** No provider waits for longer. */
const PATIENCE_MS = 30_000;

/** What becomes of a process, and of what it has accepted, that is sent three times of what it can take. */
export async function benchOverload(databases, { quick, profileFolder }) {
  const durationMs = quick ? 10_000 : 60_000;
  const database = await databases.create();
  const [generator, senders, server] = [
    startChild(fileOf('../ack/load/generator.mjs'), []),
    startChild(fileOf('senders.mjs'), []),
    startChild(fileOf('server.mjs'), [], { profileFolder }),
  ];
  try {
    const templates = await eventTemplates();
    for (const child of [generator, senders]) await child.ask('boot', { templates });
    const { port } = await server.ask('boot', { databaseUrl: database.url, secret: SECRET });
    await database.sql('CREATE TABLE effect (id serial PRIMARY KEY, event_id text NOT NULL)');
    const calmly = new CalmLoad(generator, port);

    await calmly.saturate(quick ? 1_000 : 3_000);
    await workedOff(database);
    await quiet();
    const { perSecond } = await calmly.saturate(3_000);
    await workedOff(database);
    const before = await calmly.pace(perSecond * CALM);
    process.stderr.write(`overload: ${Math.round(perSecond)} deliveries a second at most\n`);

    const connections = Math.ceil(Math.min(MOST_KEPT, perSecond * KEPT_FOR_S));
    const startedAt = await spent([senders, server], databases);
    await server.ask('watch');
    const sent = await senders.ask('send', {
      port,
      path: PATH,
      secret: SECRET,
      perSecond: perSecond * TIMES,
      durationMs,
      connections,
      patienceMs: PATIENCE_MS,
    });
    const watched = await server.ask('watched');
    const { neighbours } = spending(startedAt, await spent([senders, server], databases), sent.due);
    const atOnce = await calmly.pace(perSecond * CALM);
    const backlog = await workedOff(database);
    const after = await calmly.pace(perSecond * CALM);
    await workedOff(database);

    const load = { perSecond, times: TIMES, durationMs, connections };
    printOverload(load, sent, { watched, neighbours }, { before, atOnce, backlog, after });
    return await check(database, sent);
  } finally {
    await Promise.all([generator, senders, server].map((child) => child.stop()));
  }
}

/** Loads that a process can bear. */
class CalmLoad {
  constructor(generator, port) {
    this.generator = generator;
    this.port = port;
  }

  saturate(countedMs) {
    return this.#load('saturate', { rampMs: RAMP_MS, countedMs }, 20_000, MOST_CONNECTIONS);
  }

  pace(perSecond) {
    return this.#load(
      'pace',
      { rampMs: RAMP_MS, countedMs: 2_000, perSecond },
      perSecond * 2,
      CALM_CONNECTIONS,
    );
  }

  async #load(phase, params, mostPerSecond, connections) {
    const count = Math.ceil((mostPerSecond * (params.rampMs + params.countedMs)) / 1_000) + 500;
    await this.generator.ask('prepare', { count, path: PATH, secret: SECRET });
    await this.generator.ask('connect', { ports: [this.port], count: connections });
    const result = await this.generator.ask(phase, params);
    await this.generator.ask('disconnect');
    return result;
  }
}

/** Resolves when nothing waits any more. @returns how many have waited, and for how long */
async function workedOff({ sql }) {
  const startedAt = performance.now();
  let most = 0;
  for (;;) {
    const [{ n }] = await sql(`SELECT count(*)::int AS n FROM sync_event WHERE state = 'waiting'`);
    most = Math.max(most, n);
    if (n === 0) return { events: most, tookMs: performance.now() - startedAt };
    await sleep(200);
  }
}

/** @returns what must never be */
async function check({ sql }, { answers, withoutRetryAfter, accepted }) {
  const problems = [];
  const [{ missing }] = await sql(
    `SELECT count(*)::int AS missing FROM unnest($1::text[]) AS accepted (id)
     WHERE NOT EXISTS (SELECT FROM sync_event WHERE event_id LIKE 'evt%' AND right(event_id, 16) = accepted.id)`,
    [accepted],
  );
  if (missing > 0) problems.push(`overload: ${missing} accepted events are not stored`);
  const [{ undone, twice }] = await sql(
    `SELECT count(*) FILTER (WHERE times IS NULL)::int AS undone, count(*) FILTER (WHERE times > 1)::int AS twice
     FROM sync_event LEFT JOIN (SELECT event_id, count(*) AS times FROM effect GROUP BY event_id) AS handled USING (event_id)`,
  );
  if (undone > 0) problems.push(`overload: ${undone} stored events have not been handled`);
  if (twice > 0) problems.push(`overload: ${twice} events have been handled twice`);
  if (withoutRetryAfter > 0) problems.push(`overload: ${withoutRetryAfter} times 503 without Retry-After`);
  for (const status of Object.keys(answers))
    if (!['200', '503', 'cut off', 'no answer in time'].includes(status))
      problems.push(`overload: ${answers[status]} deliveries were answered ${status}`);
  return problems;
}

function fileOf(path) {
  return fileURLToPath(new URL(path, import.meta.url));
}
