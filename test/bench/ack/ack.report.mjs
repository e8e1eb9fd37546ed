import { fixed, NOTE_ON_ROUNDS, printGoal, printNotes, printTable, ratioText } from '../report.mjs';
import { median, medianOf, percentile, ratio } from '../statistics.mjs';
import { CONNECTIONS } from './running-server.mjs';

const PLAIN = 'plain controller, Express';
const PLAIN_FASTIFY = 'plain controller, Fastify';
const GOLEVELUP = '@golevelup/nestjs-stripe, Express';
const INSERT = 'TypeORM insert per request, Express';
const OURS = 'hybrid-sync, Express';
const OURS_DIRECT = 'hybrid-sync, Express, direct';
const OURS_FASTIFY = 'hybrid-sync, Fastify';
const PLAIN_MANY = 'plain controller, Express, 256 connections';
const OURS_MANY = 'hybrid-sync, Express, direct, 256 connections, two processes';

export function printAck(servers, { rounds, countedMs }) {
  const of = (name) => servers.find((server) => server.name === name).saturated;
  const versus = (name, other) => ratio(of(name), of(other));
  const generatorUs = median(servers.flatMap(({ saturated }) => saturated.map((run) => run.generatorUs)));
  const lateness = servers.flatMap(({ paced }) => paced.map((run) => percentile(run.lateness, 0.5)));

  printNotes([
    `DURABLE ACK, ${rounds} rounds: ${CONNECTIONS} connections, unless said otherwise, at their limit for ${countedMs / 1_000} s, then open loop ` +
      `at half of that rate for as long.`,
    `Distinct signed events of ${Math.round(servers[0].bodyBytes)} bytes. Only hybrid-sync and the TypeORM insert store ` +
      `anything; for those, rows were counted against 2xx answers.`,
    `The generator takes ${fixed(generatorUs)} us of CPU per request, and at half load sends ` +
      `${fixed(median(lateness), 2)} ms late, which counts as latency.`,
    NOTE_ON_ROUNDS,
    'p50/p99 in ms; node and postgres: CPU in us per event at the limit.',
  ]);
  printTable(
    [
      '',
      'acks/s',
      'to golevelup',
      'to plain',
      'p50/p99',
      'half p50/p99',
      'node',
      'postgres',
      'RSS MB',
      'neighbours',
    ],
    servers.map(({ name, table, saturated, paced, peakRssMb }) => [
      name,
      fixed(medianOf(saturated, (run) => run.perSecond)),
      ratioText(versus(name, GOLEVELUP)),
      ratioText(versus(name, plainFor(name))),
      latencyText(saturated),
      latencyText(paced),
      fixed(medianOf(saturated, (run) => run.nodeUs)),
      table ? fixed(medianOf(saturated, (run) => run.postgresUs)) : '-',
      fixed(peakRssMb),
      fixed(median(saturated.map((run) => run.neighbours)), 1),
    ]),
  );
  printNotes([
    '"to plain": on the same adapter, with as many connections. "passes beside": the same process also settles what it has stored.',
  ]);
  printGoal('durable ack to golevelup, which is not durable', 1, versus(OURS, GOLEVELUP));
  printGoal('durable ack taken directly to golevelup', 1.8, versus(OURS_DIRECT, GOLEVELUP));
  printGoal('durable ack to a TypeORM insert per request', 2.4, versus(OURS, INSERT));
  printGoal('durable ack on Fastify to a plain controller there', 0.6, versus(OURS_FASTIFY, PLAIN_FASTIFY));
  printGoal(
    'durable ack taken directly by two processes to a plain controller',
    2.3,
    versus(OURS_MANY, PLAIN_MANY),
  );
}

function plainFor(name) {
  if (name.includes('256 connections')) return PLAIN_MANY;
  return name.endsWith('Fastify') ? PLAIN_FASTIFY : PLAIN;
}

function latencyText(runs) {
  const at = (share) => medianOf(runs, ({ latencies }) => percentile(latencies, share));
  return `${fixed(at(0.5), 1)}/${fixed(at(0.99), 1)}`;
}
