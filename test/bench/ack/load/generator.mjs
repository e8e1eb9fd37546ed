/**
 * The load: signed webhook deliveries over keep-alive connections, from a process of its own. Bare sockets and requests
 * made beforehand, because on a small machine what the generator takes is missing from what is measured.
 */
import { answer } from '../../child.mjs';
import { Connection } from './connection.mjs';
import { now } from './now.mjs';
import { startPacer } from './pacer.mjs';
import { RequestSlab } from './request-slab.mjs';

let slab;
let connections = [];

answer({
  boot: ({ templates }) => {
    slab = new RequestSlab(templates);
  },
  connect,
  prepare: ({ count, ...request }) => slab.fill(count, request),
  saturate,
  pace,
  disconnect: () => connections.forEach((connection) => connection.close()),
});

/** Each port has as many of them as the others, as a load balancer would have it. */
async function connect({ ports, count }) {
  connections = Array.from({ length: count }, (_, i) => new Connection(ports[i % ports.length]));
  await Promise.all(connections.map((connection) => connection.opened));
}

/** Closed loop: every connection sends its next request when the last is answered. What comes after `rampMs` counts. */
async function saturate({ rampMs, countedMs }) {
  const from = now() + rampMs;
  const until = from + countedMs;
  const outcome = new Outcome();
  await Promise.all(
    connections.map(
      (connection) =>
        new Promise((resolve) => {
          let sentAt;
          const send = () => {
            sentAt = now();
            const request = sentAt < until ? slab.next() : undefined;
            if (request) connection.send(request, answered);
            else resolve();
          };
          const answered = (status) => {
            const at = now();
            outcome.add(status, at >= from && at < until ? at - sentAt : undefined);
            if (connection.isOpen) send();
            else resolve();
          };
          send();
        }),
    ),
  );
  // Run dry: the time that counts ended with the last request.
  const endedAt = Math.min(until, slab.emptyAt ?? Infinity);
  return { ...outcome.result(), perSecond: (outcome.latencies.length * 1_000) / (endedAt - from) };
}

/** Open loop: requests are due at random moments, whether or not the last ones are answered. Latency counts from then. */
async function pace({ perSecond, rampMs, countedMs }) {
  const outcome = new Outcome();
  const lateness = [];
  const idle = [...connections];
  const waiting = [];
  let underWay = 0;
  let drained = () => undefined;

  const send = (connection, dueAt, counts) => {
    const request = slab.next();
    if (!request) throw new Error('too few requests were prepared');
    underWay += 1;
    connection.send(request, (status) => {
      underWay -= 1;
      outcome.add(status, counts ? now() - dueAt : undefined);
      if (connection.isOpen && waiting.length > 0) send(connection, ...waiting.shift());
      else if (connection.isOpen) idle.push(connection);
      if (underWay === 0) drained();
    });
  };
  await startPacer({ perSecond, durationMs: rampMs + countedMs }, (dueAt, sinceStartMs) => {
    const counts = sinceStartMs >= rampMs;
    if (counts) lateness.push(now() - dueAt);
    if (idle.length > 0) send(idle.pop(), dueAt, counts);
    else waiting.push([dueAt, counts]);
  });
  if (underWay > 0) await new Promise((resolve) => (drained = resolve));
  return { ...outcome.result(), lateness: Float64Array.from(lateness) };
}

class Outcome {
  latencies = [];
  accepted = 0;
  refused = {};

  /** @param latencyMs undefined: warming up */
  add(status, latencyMs) {
    if (status >= 200 && status < 300) {
      this.accepted += 1;
      if (latencyMs !== undefined) this.latencies.push(latencyMs);
    } else {
      this.refused[status] = (this.refused[status] ?? 0) + 1;
    }
  }

  result() {
    const { accepted, refused } = this;
    return { accepted, refused, latencies: Float64Array.from(this.latencies) };
  }
}
