import { fork } from 'node:child_process';
import { basename } from 'node:path';

/** Longer than anything here takes on a slow machine: a child that hangs must not hang the run. */
const PATIENCE_MS = 120_000;

/**
 * Another process, and how to ask it something. What is measured never shares a process with what measures.
 * @param profileFolder where it leaves a CPU profile when it ends
 */
export function startChild(file, args, { profileFolder } = {}) {
  const child = fork(file, args, {
    env: { ...process.env, NODE_ENV: 'production' },
    execArgv: profileFolder ? ['--cpu-prof', `--cpu-prof-dir=${profileFolder}`] : [],
    serialization: 'advanced',
  });
  const label = [basename(file), ...args].join(' ');
  const pending = new Map();
  let lastId = 0;
  const ended = new Promise((resolve) => child.once('exit', (code, signal) => resolve(signal ?? code)));
  child.on('message', ({ id, result, error }) => {
    const { resolve, reject, timer } = pending.get(id);
    clearTimeout(timer);
    pending.delete(id);
    if (error === undefined) resolve(result);
    else reject(new Error(`${label}: ${error}`));
  });
  void ended.then((reason) => {
    for (const { reject } of pending.values()) reject(new Error(`${label} ended with ${reason}`));
  });

  const ask = (name, params) =>
    new Promise((resolve, reject) => {
      const id = ++lastId;
      const timer = setTimeout(() => reject(new Error(`${label}: no answer to '${name}'`)), PATIENCE_MS);
      pending.set(id, { resolve, reject, timer });
      child.send({ id, name, params });
    });
  return {
    ask,
    async stop() {
      if (child.connected) child.disconnect();
      await ended;
    },
  };
}

/** The child's side: answers what it is asked, and ends with its parent. */
export function answer(actions) {
  const known = { usage, ...actions };
  process.on('message', async ({ id, name, params }) => {
    try {
      process.send({ id, result: await known[name](params) });
    } catch (error) {
      process.send({ id, error: error.stack ?? String(error) });
    }
  });
  process.once('disconnect', () => process.exit());
}

/** CPU time so far in microseconds, and the most memory so far in MB. */
function usage() {
  const { user, system } = process.cpuUsage();
  return { cpuUs: user + system, peakRssMb: process.resourceUsage().maxRSS / 1024 };
}
