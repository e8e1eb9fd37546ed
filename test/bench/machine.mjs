import { readFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

/** Of Linux on all machines that Node runs on. */
const US_PER_TICK = 10_000;

/**
 * CPU time that has been spent, in microseconds: by children, by the database server (NaN where that cannot be told: it is
 * elsewhere, or this is not Linux) and by the machine as a whole.
 */
export async function spent(children, databases) {
  const usages = await Promise.all(children.map((child) => child.ask('usage')));
  const postgres = await spentByPostgres(await databases.serverPids());
  // Programs that this process has started and that have ended.
  const ended = (await readStat('self'))?.endedUs ?? 0;
  return { children: usages.map(({ cpuUs }) => cpuUs), postgres, ended, machine: busyUs(), at: now() };
}

/** What was spent between, for each event; and how many cores were taken by processes that have nothing to do with it. */
export function spending(before, after, events) {
  const children = after.children.map((us, i) => us - before.children[i]);
  const postgres = after.postgres - before.postgres;
  const ended = after.ended - before.ended;
  const ours = [...children, postgres || 0, ended].reduce((sum, us) => sum + us, 0);
  return {
    childrenUs: children.map((us) => us / events),
    postgresUs: postgres / events,
    endedUs: ended / events,
    neighbours: Math.max(after.machine - before.machine - ours, 0) / (after.at - before.at),
  };
}

/** All processes of the server: those that live, and through their parent those that have ended. */
async function spentByPostgres(pids) {
  const living = (await Promise.all(pids.map(readStat))).filter((stat) => stat?.name === 'postgres');
  if (living.length === 0) return NaN;
  const parent = await readStat(living[0].parent);
  return living.reduce((sum, { ownUs }) => sum + ownUs, parent ? parent.ownUs + parent.endedUs : 0);
}

/** Undefined: there is no such process on this machine. */
async function readStat(pid) {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  if (stat === undefined) return undefined;
  const [name] = /(?<=\().*(?=\))/s.exec(stat);
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [user, system, endedUser, endedSystem] = fields.slice(11, 15).map((ticks) => ticks * US_PER_TICK);
  return { name, parent: fields[1], ownUs: user + system, endedUs: endedUser + endedSystem };
}

const PROBE_MS = 250;
const QUIET_CORES = 0.25;
const PATIENCE_MS = 5_000;
/** In one run. */
let patienceLeftMs = 60_000;

/** `quiet()` no longer waits. */
export function hurry() {
  patienceLeftMs = 0;
}

/** Resolves when nobody else is busy here, but soon in any case. */
export async function quiet() {
  for (let waitedMs = 0; waitedMs < PATIENCE_MS && patienceLeftMs > 0; waitedMs += PROBE_MS) {
    if (waitedMs > 0) patienceLeftMs -= PROBE_MS;
    const before = busyUs();
    const from = now();
    await sleep(PROBE_MS);
    if ((busyUs() - before) / (now() - from) < QUIET_CORES) return;
  }
}

function busyUs() {
  return cpus().reduce((sum, { times }) => sum + times.user + times.nice + times.sys + times.irq, 0) * 1_000;
}

function now() {
  return performance.now() * 1_000;
}
