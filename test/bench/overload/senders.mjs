/**
 * Deliveries in open loop, by connections that are kept as a load balancer keeps them: each is sent when it is due, however
 * many others have not been answered yet.
 */
import { Connection } from '../ack/load/connection.mjs';
import { now } from '../ack/load/now.mjs';
import { startPacer } from '../ack/load/pacer.mjs';
import { RequestSlab } from '../ack/load/request-slab.mjs';
import { answer } from '../child.mjs';

/** Made at once: so many delay those that are due by some milliseconds. */
const REQUESTS_AT_ONCE = 200;

let slab;
answer({
  boot: ({ templates }) => {
    slab = new RequestSlab(templates);
  },
  send,
});

/**
 * @param connections a delivery that is due when there is one under way on each of them is not sent at all
 * @param patienceMs a delivery without an answer is given up then
 */
async function send({ port, path, secret, perSecond, durationMs, connections, patienceMs }) {
  const outcome = { due: 0, unsent: 0, answers: {}, withoutRetryAfter: 0, accepted: [], latencies: [] };
  const idle = await connect(port, connections);
  let underWay = 0;
  let drained = () => undefined;

  const deliver = (dueAt) => {
    outcome.due += 1;
    const by = idle.shift();
    if (!by) return void (outcome.unsent += 1);
    const request = nextRequest({ path, secret });
    const id = slab.lastId;
    let isGivenUp = false;
    const timer = setTimeout(() => {
      isGivenUp = true;
      by.close();
    }, patienceMs);
    underWay += 1;
    by.send(request, (status, head) => {
      clearTimeout(timer);
      underWay -= 1;
      const answered = isGivenUp ? 'no answer in time' : status;
      outcome.answers[answered] = (outcome.answers[answered] ?? 0) + 1;
      if (status === 200) {
        outcome.accepted.push(id);
        outcome.latencies.push(now() - dueAt);
      } else if (status === 503 && !/^retry-after: \d+\r$/im.test(head)) outcome.withoutRetryAfter += 1;
      if (by.isOpen) idle.push(by);
      if (underWay === 0) drained();
    });
  };
  await startPacer({ perSecond, durationMs }, deliver);
  if (underWay > 0) await new Promise((resolve) => (drained = resolve));
  idle.forEach((each) => each.close());
  return { ...outcome, latencies: Float64Array.from(outcome.latencies) };
}

/** Some at a time: more would be turned away by the operating system before the process has seen them. */
async function connect(port, count) {
  const connections = [];
  while (connections.length < count) {
    const some = Array.from(
      { length: Math.min(100, count - connections.length) },
      () => new Connection(port),
    );
    await Promise.all(some.map((each) => each.opened));
    connections.push(...some);
  }
  return connections;
}

function nextRequest(request) {
  let next = slab.next();
  if (!next) {
    slab.fill(REQUESTS_AT_ONCE, request);
    next = slab.next();
  }
  // The slab may be filled again before the socket has taken all of it.
  return Buffer.from(next);
}
