import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { now } from './now.mjs';

/**
 * Says when requests are due: at random, `perSecond` on average, as from many senders that know nothing of each other.
 * From a thread that sleeps until then: timers count whole milliseconds, which is longer than an answer takes.
 */
export async function startPacer(plan, onDue) {
  const dueAts = schedule(plan);
  const shared = new Float64Array(new SharedArrayBuffer(dueAts.length * Float64Array.BYTES_PER_ELEMENT));
  const startAt = now() + 50;
  shared.set(dueAts.map((ms) => startAt + ms));
  const thread = new Worker(fileURLToPath(import.meta.url), { workerData: shared });
  let next = 0;
  thread.on('message', () => {
    const at = now();
    for (; next < shared.length && shared[next] <= at; next++) onDue(shared[next], shared[next] - startAt);
  });
  await once(thread, 'exit');
}

function schedule({ perSecond, durationMs }) {
  const dueAts = [];
  for (let at = 0; at < durationMs; at -= (Math.log(1 - Math.random()) * 1_000) / perSecond) dueAts.push(at);
  return dueAts;
}

if (!isMainThread) {
  const never = new Int32Array(new SharedArrayBuffer(4));
  for (let next = 0; next < workerData.length;) {
    const inMs = workerData[next] - now();
    if (inMs > 0) Atomics.wait(never, 0, 0, inMs);
    const at = now();
    if (workerData[next] > at) continue;
    while (next < workerData.length && workerData[next] <= at) next += 1;
    parentPort.postMessage(null);
  }
}
