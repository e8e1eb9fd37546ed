import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const patienceMs = 10_000;

/** Starts the server; where the port or the data is not free yet, again. */
export async function startServer(options) {
  const giveUpAt = Date.now() + patienceMs;
  for (;;) {
    const port = options.port ?? (await freePort());
    const server = launch({ ...options, port });
    const failure = await server.ready;
    if (!failure) return { port, exited: server.exited, stop: server.stop };

    // Two runs may be given the same free port, and the server of an application that has just been restarted may
    // still be closing its data.
    const passing = isLocked(failure) || (!options.port && isTaken(failure));
    if (!passing || Date.now() > giveUpAt) throw new Error(reason(failure, options.cluster.folder));
    await sleep(100);
  }
}

function launch({ binaries, cluster, user, port, durable, maxConnections }) {
  const settings = {
    listen_addresses: '127.0.0.1',
    port,
    max_connections: maxConnections,
    unix_socket_directories: '',
    ...(!durable && { fsync: 'off', full_page_writes: 'off' }),
  };
  const args = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const child = spawn(binaries.postgres, ['-D', cluster.folder, ...args], {
    ...user,
    cwd: dirname(cluster.folder),
    env: { ...process.env, LC_ALL: 'C' },
    stdio: ['ignore', 'ignore', 'pipe'],
  });

  let log = '';
  const ready = new Promise((resolve) => {
    child.stderr.setEncoding('utf8').on('data', (text) => {
      log = (log + text).slice(-10_000);
      if (log.includes('ready to accept connections')) resolve(undefined);
    });
    child.once('error', (error) => resolve(error.message));
    child.once('close', () => resolve(log || 'it ended without a word'));
  });
  const exited = new Promise((resolve) => child.once('close', resolve).once('error', resolve));
  const stop = async (manner) => {
    child.kill(manner === 'tidily' ? 'SIGINT' : 'SIGQUIT');
    await exited;
  };
  return { ready, exited, stop };
}

const isLocked = (log) => /lock file ".*" already exists/.test(log);
const isTaken = (log) => /could not bind/.test(log);

function reason(log, folder) {
  if (isLocked(log)) return `another server is using ${folder}.`;
  const lines = log.trim().split('\n');
  const line = lines.find(isTaken) ?? lines.find((text) => /FATAL|PANIC/.test(text)) ?? lines.at(-1);
  return `${line.replace(/^.*?(LOG|FATAL|PANIC): +/, '')}.`;
}

function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}
